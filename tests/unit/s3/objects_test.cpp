// Requests about objects as they go over the wire, and what comes of their answers.
#include "s3/objects.h"

#include <gmock/gmock.h>

#include "tests/unit/s3/test_server.h"

namespace sekisho::s3 {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

struct Asked {
    std::mutex mutex;
    std::vector<std::string> heads, bodies;
};

class ObjectsTest : public ::testing::Test {
protected:
    /// The answers in their order; the last one for whatever follows.
    Objects objects(std::vector<std::string> answers, Encryption encryption = {}) {
        m_server = std::make_unique<TestServer>(
            TestServer::AnswerToBody([this, answers = std::move(answers), next = 0U](
                                         const std::string& head, const std::string& body) mutable {
                const std::lock_guard lock(m_asked.mutex);
                m_asked.heads.push_back(head);
                m_asked.bodies.push_back(body);
                return answers[std::min<std::size_t>(next++, answers.size() - 1)];
            }));
        return {std::make_unique<Client>(client_of(m_server->url(), 2)), std::move(encryption)};
    }
    std::string line(std::size_t i) { return m_asked.heads.at(i).substr(0, m_asked.heads.at(i).find(" HTTP/")); }

    Asked m_asked;
    std::unique_ptr<TestServer> m_server;
};

TEST_F(ObjectsTest, PutsWithTheEncryptionThatIsWanted) {
    auto with_kms = objects({ok("")}, {Encryption::Kind::Kms, "alias/gate"});
    int done = 0;
    ASSERT_TRUE(with_kms.put({"keys/a b.skr"}, [](std::size_t) { return "hello"; }, [&](std::size_t, const Result<void>& put) {
        EXPECT_TRUE(put);
        ++done;
    }));
    EXPECT_EQ(done, 1);
    EXPECT_EQ(line(0), "PUT /bucket/keys/a%20b.skr");
    EXPECT_EQ(m_asked.bodies[0], "hello");
    EXPECT_THAT(m_asked.heads[0], HasSubstr("x-amz-server-side-encryption: aws:kms\r\n"));
    EXPECT_THAT(m_asked.heads[0], HasSubstr("x-amz-server-side-encryption-aws-kms-key-id: alias/gate\r\n"));
    EXPECT_THAT(m_asked.heads[0],
        HasSubstr("x-amz-content-sha256: 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\r\n"));
    EXPECT_THAT(m_asked.heads[0], HasSubstr("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-server-side-encryption;"
                                            "x-amz-server-side-encryption-aws-kms-key-id,"));

    auto plain = objects({ok("")}, {Encryption::Kind::None, ""});
    ASSERT_TRUE(plain.put({"k"}, [](std::size_t) { return ""; }, [](std::size_t, const Result<void>&) {}));
    EXPECT_THAT(m_asked.heads.back(), Not(HasSubstr("server-side-encryption")));
    auto with_aes = objects({ok("<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")},
        {Encryption::Kind::Aes256, ""});
    EXPECT_EQ(with_aes.begin("k").value_or(""), "u");
    EXPECT_THAT(m_asked.heads.back(), HasSubstr("POST /bucket/k?uploads= "));
    EXPECT_THAT(m_asked.heads.back(), HasSubstr("x-amz-server-side-encryption: AES256\r\n"));
}

TEST_F(ObjectsTest, ARefusalIsOneObjectsAndAServerWithoutBreathIsEverybodys) {
    auto refusing = objects({ok("<Error><Code>AccessDenied</Code><Message>of hidden</Message></Error>", "403 Forbidden")});
    std::string why;
    ASSERT_TRUE(refusing.put(
        {"k"}, [](std::size_t) { return "x"; }, [&](std::size_t, const Result<void>& put) { why = put.error().full(); }));
    EXPECT_EQ(why, "the object cannot be put (status 403, AccessDenied)");
    auto tired = objects({ok("<Error><Code>SlowDown</Code></Error>", "503 Slow Down")});
    EXPECT_FALSE(tired.put({"k"}, [](std::size_t) { return "x"; }, [](std::size_t, const Result<void>&) { FAIL(); }));
    EXPECT_EQ(m_asked.heads.size(), 3U) << "one for the refusal, two attempts";
}

TEST_F(ObjectsTest, LooksAtSizes) {
    auto there = objects({"HTTP/1.1 200 OK\r\nContent-Length: 81\r\nETag: \"x\"\r\n\r\n"});
    const auto size_of = [](Objects& of) {
        Result<std::optional<std::uint64_t>> found = fail("nothing came");
        EXPECT_TRUE(of.sizes({"k"}, [&](std::size_t, auto size) { found = std::move(size); }));
        return found;
    };
    EXPECT_EQ(size_of(there).value().value(), 81U);
    EXPECT_EQ(line(0), "HEAD /bucket/k");
    auto gone = objects({"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"});
    EXPECT_EQ(size_of(gone).value(), std::nullopt);
    auto forbidden = objects({"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"});
    EXPECT_FALSE(size_of(forbidden)) << "whether it is there is not known";
}

TEST_F(ObjectsTest, ReadsTheRangeThatWasAskedForAndNoOther) {
    const auto partial = [](const char* range, const std::string& body) {
        return fmt::format(
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {}\r\nContent-Length: {}\r\n\r\n{}", range, body.size(), body);
    };
    auto good = objects({partial("4-6/100", "abc")});
    EXPECT_EQ(good.read("k", 4, 3).value_or(""), "abc");
    EXPECT_THAT(m_asked.heads[0], HasSubstr("range: bytes=4-6\r\n"));
    auto other = objects({partial("0-2/100", "abc")});
    EXPECT_FALSE(other.read("k", 4, 3));
    auto more = objects({partial("4-9/100", "abcdef")});
    EXPECT_FALSE(more.read("k", 4, 3));
    auto whole = objects({ok("abcdefg")});
    EXPECT_FALSE(whole.read("k", 4, 3)) << "of a server that knows no ranges";
    auto behind = objects({ok("<Error/>", "416 Requested Range Not Satisfiable")});
    EXPECT_EQ(behind.read("k", 100, 3).value_or("x"), "");
    auto gone = objects({ok("<Error><Code>NoSuchKey</Code></Error>", "404 Not Found")});
    EXPECT_FALSE(gone.read("k", 0, 3));
}

TEST_F(ObjectsTest, AnUploadInParts) {
    auto made = objects({"HTTP/1.1 200 OK\r\nETag: \"0123ab\"\r\nContent-Length: 0\r\n\r\n",
        ok("<CompleteMultipartUploadResult/>"), "HTTP/1.1 204 No Content\r\n\r\n",
        ok("<Error><Code>NoSuchUpload</Code></Error>", "404 Not Found")});
    EXPECT_EQ(made.put_part("k", "id/1", 7, "part").value_or(""), "0123ab");
    EXPECT_EQ(line(0), "PUT /bucket/k?partNumber=7&uploadId=id%2F1");
    ASSERT_TRUE(made.complete({"k", "id/1"}, {{1, 4, "0123ab"}}));
    EXPECT_EQ(line(1), "POST /bucket/k?uploadId=id%2F1");
    EXPECT_EQ(m_asked.bodies[1], completion({{1, 4, "0123ab"}}));
    EXPECT_TRUE(made.abort({"k", "id/1"}));
    EXPECT_EQ(line(2), "DELETE /bucket/k?uploadId=id%2F1");
    EXPECT_TRUE(made.abort({"k", "id/1"})) << "gone already";
}

TEST_F(ObjectsTest, AnErrorInAnAnswerOf200EndsNoUpload) {
    auto late = objects({ok("\n\n<Error><Code>InternalError</Code></Error>")});
    EXPECT_FALSE(late.complete({"k", "u"}, {{1, 4, "a"}}));
    auto untagged = objects({ok("")});
    EXPECT_FALSE(untagged.put_part("k", "u", 1, "part"));
}

TEST_F(ObjectsTest, ListsPartsAndUploadsToTheirEnd) {
    const auto parts = [](int number, bool more) {
        return ok(fmt::format("<ListPartsResult><NextPartNumberMarker>{0}</NextPartNumberMarker><IsTruncated>{1}</IsTruncated><Part>"
                              "<PartNumber>{0}</PartNumber><ETag>\"e\"</ETag><Size>8</Size></Part></ListPartsResult>", number, more));
    };
    auto listed = objects({parts(1, true), parts(2, false)});
    const auto found = listed.parts({"k", "u"});
    ASSERT_TRUE(found) << found.error().full();
    EXPECT_EQ(found->size(), 2U);
    EXPECT_EQ(line(1), "GET /bucket/k?part-number-marker=1&uploadId=u");
    auto circling = objects({parts(1, true)});
    EXPECT_FALSE(circling.parts({"k", "u"}));
    auto uploads = objects({ok("<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>keys/b</NextKeyMarker>"
                               "<NextUploadIdMarker>m</NextUploadIdMarker><Upload><Key>keys/b</Key><UploadId>m</UploadId></Upload>"
                               "</ListMultipartUploadsResult>"),
        ok("<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>")});
    EXPECT_THAT(uploads.uploads("keys/").value(), ElementsAre(Upload{"keys/b", "m"}));
    EXPECT_EQ(line(m_asked.heads.size() - 1),
        "GET /bucket/?encoding-type=url&key-marker=keys%2Fb&prefix=keys%2F&upload-id-marker=m&uploads=");
}

TEST_F(ObjectsTest, RemovingTwiceIsRemoving) {
    auto gone = objects({"HTTP/1.1 204 No Content\r\n\r\n", ok("<Error><Code>NoSuchKey</Code></Error>", "404 Not Found"),
        ok("<Error><Code>AccessDenied</Code></Error>", "403 Forbidden")});
    EXPECT_TRUE(gone.remove("k"));
    EXPECT_TRUE(gone.remove("k"));
    EXPECT_FALSE(gone.remove("k"));
    EXPECT_EQ(line(0), "DELETE /bucket/k");
}

}  // namespace
}  // namespace sekisho::s3
