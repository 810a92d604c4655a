// Signatures against the examples that AWS publishes for S3 (sig-v4-header-based-auth), encodings, places, credentials.
#include "s3/sign.h"

#include <gtest/gtest.h>

#include <map>

#include "s3/credentials.h"
#include "s3/place.h"

namespace sekisho::s3 {
namespace {

const WallTime kThen = std::chrono::system_clock::from_time_t(1369353600);  // 2013-05-24T00:00:00Z
constexpr const char* kEmpty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

Credentials example() {
    return {"AKIAIOSFODNN7EXAMPLE", Secret(base::view("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")), "", std::nullopt};
}

std::string header(const Signed& request, std::string_view name) {
    for (const auto& [key, value] : request.headers) {
        if (key == name) return value;
    }
    return "";
}

Signed signed_example(Unsigned request) {
    request.host = "examplebucket.s3.amazonaws.com";
    return sign(request, example(), "us-east-1", kThen);
}

TEST(SignTest, GetsAnObjectAsPublished) {
    const auto ready = signed_example({.path = "/test.txt", .headers = {{"range", "bytes=0-9"}}, .body_sha256 = kEmpty});
    EXPECT_EQ(ready.target, "/test.txt");
    EXPECT_EQ(header(ready, "x-amz-date"), "20130524T000000Z");
    EXPECT_EQ(header(ready, "authorization"),
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(SignTest, PutsAnObjectAsPublished) {
    const auto ready = signed_example({.method = "PUT",
        .path = "/test$file.text",
        .headers = {{"date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
        .body_sha256 = sha256_hex("Welcome to Amazon S3.")});
    EXPECT_EQ(ready.target, "/test%24file.text");
    EXPECT_TRUE(header(ready, "authorization")
            .ends_with("Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
}

TEST(SignTest, AsksAParameterWithoutValueAsPublished) {
    const auto ready = signed_example({.query = {{"lifecycle", ""}}, .body_sha256 = kEmpty});
    EXPECT_EQ(ready.target, "/?lifecycle=");
    EXPECT_TRUE(header(ready, "authorization")
            .ends_with("Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
}

TEST(SignTest, ListsAsPublishedWhateverTheOrderOfTheParameters) {
    for (const Pairs& query : {Pairs{{"max-keys", "2"}, {"prefix", "J"}}, Pairs{{"prefix", "J"}, {"max-keys", "2"}}}) {
        const auto ready = signed_example({.query = query, .body_sha256 = kEmpty});
        EXPECT_EQ(ready.target, "/?max-keys=2&prefix=J");
        EXPECT_TRUE(header(ready, "authorization")
                .ends_with("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
    }
}

TEST(SignTest, ATokenIsSignedToo) {
    Credentials temporary = example();
    temporary.session_token = "token==";
    const auto ready = sign({.host = "h", .body_sha256 = kEmpty}, temporary, "r", kThen);
    EXPECT_EQ(header(ready, "x-amz-security-token"), "token==");
    EXPECT_NE(header(ready, "authorization").find("host;x-amz-content-sha256;x-amz-date;x-amz-security-token,"),
        std::string::npos);
    EXPECT_EQ(header(ready, "authorization").find("wJalr"), std::string::npos);
}

TEST(SignTest, EncodesOnceAndNeverNormalises) {
    EXPECT_EQ(uri_encoded("a b/../é~", true), "a%20b/../%C3%A9~");
    EXPECT_EQ(uri_encoded("a/b+c="), "a%2Fb%2Bc%3D");
    EXPECT_EQ(uri_decoded("a%2Fb+c%c3%A9"), "a/b cé");
    for (const char* wrong : {"%", "%4", "%zz", "a%2", "%-1"}) EXPECT_FALSE(uri_decoded(wrong)) << wrong;
    std::string all;
    for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
    EXPECT_EQ(uri_decoded(uri_encoded(all)), all);
}

TEST(PlaceTest, AwsIsAskedByHostAndOthersByPath) {
    const auto aws = find_place("s3://bucket/public-keys/", "ap-northeast-1", "");
    ASSERT_TRUE(aws) << aws.error().full();
    EXPECT_EQ(aws->host, "bucket.s3.ap-northeast-1.amazonaws.com");
    EXPECT_EQ(aws->root, "");
    EXPECT_EQ(aws->prefix, "public-keys/");
    EXPECT_EQ(aws->scheme, "https");
    const auto dotted = find_place("s3://my.bucket", "cn-north-1", "");
    EXPECT_EQ(dotted->host, "s3.cn-north-1.amazonaws.com.cn");
    EXPECT_EQ(dotted->root, "/my.bucket");
    EXPECT_EQ(dotted->prefix, "");
    const auto other = find_place("s3://bucket/a/b/", "us-east-1", "https://store.internal:9000/");
    EXPECT_EQ(other->host, "store.internal:9000");
    EXPECT_EQ(other->root, "/bucket");
    EXPECT_EQ(other->prefix, "a/b/");
    EXPECT_EQ(find_place("s3://bucket/", "us-east-1", "http://127.0.0.1:8080")->scheme, "http");
    EXPECT_EQ(find_place("s3://bucket/", "us-east-1", "http://[::1]:8080")->host, "[::1]:8080");
}

TEST(PlaceTest, RefusesWhatIsNoPlaceAndHttpToOtherMachines) {
    for (const char* url : {"", "http://bucket/", "s3://", "s3:///x", "s3://UPPER/", "s3://ab/", "s3://a..b/", "s3://-ab/",
             "s3://a_b/", "s3://bucket@evil/", "s3://bucket:80/"}) {
        EXPECT_FALSE(find_place(url, "us-east-1", "")) << url;
    }
    for (const char* region : {"", "US", "a/b", "a.b"}) EXPECT_FALSE(find_place("s3://bucket/", region, "")) << region;
    for (const char* endpoint : {"store.internal", "ftp://x", "https://", "https://a/b", "https://u@host", "https://host:0",
             "http://store.internal:9000", "http://10.0.0.1", "http://127.0.0.1.evil.example",
             "http://localhost.evil.example"}) {
        EXPECT_FALSE(find_place("s3://bucket/", "us-east-1", endpoint)) << endpoint;
    }
}

TEST(CredentialsTest, OfAFile) {
    const auto found = parse_credentials_file(
        "# comment\r\n[other]\naws_access_key_id = NO\n[default]\r\naws_access_key_id=ID\r\n"
        " aws_secret_access_key =  se/cr+et= \naws_session_token=tok");
    ASSERT_TRUE(found) << found.error().full();
    EXPECT_EQ(found->access_key, "ID");
    EXPECT_EQ(base::to_text(found->secret_key.bytes()), "se/cr+et=");
    EXPECT_EQ(found->session_token, "tok");
    for (const char* wrong : {"", "aws_access_key_id=A", "aws_secret_access_key=B",
             "[x]\naws_access_key_id=A\naws_secret_access_key=B", "aws_access_key_id=A\naws_secret_access_key=hid den"}) {
        const auto refused = parse_credentials_file(wrong);
        ASSERT_FALSE(refused) << wrong;
        EXPECT_EQ(refused.error().full().find("hid"), std::string::npos);
    }
}

TEST(CredentialsTest, OfARole) {
    const auto found = parse_role_credentials(
        R"({"AccessKeyId":"ID","SecretAccessKey":"S","Token":"T","Expiration":"2013-05-24T00:00:00Z","Code":"Success"})");
    ASSERT_TRUE(found) << found.error().full();
    EXPECT_EQ(found->expires, kThen);
    for (const char* wrong :
        {"", "[]", "{}", R"({"AccessKeyId":1})", R"({"AccessKeyId":"ID","SecretAccessKey":"S","Token":"T"})"})
        EXPECT_FALSE(parse_role_credentials(wrong)) << wrong;
}

TEST(CredentialsTest, TheFileGoesBeforeTheEnvironment) {
    std::map<std::string, std::string> variables{{"AWS_ACCESS_KEY_ID", "E"}, {"AWS_SECRET_ACCESS_KEY", "s"}};
    const auto get = [&](const char* name) { return variables.contains(name) ? variables[name].c_str() : nullptr; };
    CredentialSource environment({}, get);
    EXPECT_EQ((*environment.current(kThen))->access_key, "E");
    std::string text = "aws_access_key_id=F\naws_secret_access_key=s\n";
    CredentialSource file([&]() -> Result<std::string> { return text; }, get);
    EXPECT_EQ((*file.current(kThen))->access_key, "F");
    text = "aws_access_key_id=G\naws_secret_access_key=s\n";
    EXPECT_EQ((*file.current(kThen))->access_key, "G") << "a key that was rotated counts at once";
    variables["AWS_SECRET_ACCESS_KEY"] = "";
    EXPECT_FALSE(environment.current(kThen));
}

}  // namespace
}  // namespace sekisho::s3
