#include <gtest/gtest.h>

#include "keys/certificate.h"
#include "keys/private_key.h"
#include "tests/unit/keys/ssh_keygen.h"

namespace sekisho::keys {
namespace {

// `ssh-keygen -F` looks a name up in known_hosts with the function that ssh matches certificate principals with.
TEST(HostPattern, MatchesWhatOpensshMatches) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    const std::string key = PrivateKey::generate(KeyKind::Ed25519).public_key().line();
    int matched = 0;
    int tried = 0;
    for (const std::string pattern :
        {"web1.example.com", "*.example.com", "web?.example.com", "*", "web*", "*.com", "w*b*.e*m", "web1.example.com?",
            "*?", "?*.*.*", "**", "web1", "[w]eb1.example.com", "w\\eb1.example.com", "*a*a*b", "?"}) {
        folder.write("known", pattern + " " + key + "\n");
        for (const std::string host : {"web1.example.com", "WEB1.Example.COM", "web12.example.com", "example.com",
                 ".example.com", "a.b.example.com", "w", "aab", "aaaa"}) {
            const bool theirs = !folder.run("ssh-keygen -F '" + host + "' -f known || true").empty();
            EXPECT_EQ(matches_host_pattern(host, pattern), theirs) << host << " " << pattern;
            matched += theirs ? 1 : 0;
            ++tried;
        }
    }
    EXPECT_GT(matched, 30);
    EXPECT_LT(matched, tried - 30);
    // Here -F would lower the pattern, which ssh does not do to a principal.
    EXPECT_FALSE(matches_host_pattern("web1.example.com", "WEB1.example.com"));
}

TEST(HostPattern, ManyStarsTakeNoTime) {
    std::string pattern;
    for (int i = 0; i < 500; ++i) pattern += "a*";
    pattern += "b";
    EXPECT_FALSE(matches_host_pattern(std::string(5000, 'a'), pattern));
    EXPECT_TRUE(matches_host_pattern(std::string(5000, 'a') + "b", pattern));
    EXPECT_TRUE(matches_host_pattern("", "*"));
    EXPECT_TRUE(matches_host_pattern("", ""));
    EXPECT_FALSE(matches_host_pattern("", "?"));
    EXPECT_FALSE(matches_host_pattern("a", ""));
}

TEST(HostPattern, HoldsForHostCertificatesOnly) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    folder.run("for n in ca k; do ssh-keygen -q -N '' -t ed25519 -f $n; done");
    const auto made = [&](const char* options) {
        folder.run(std::string("ssh-keygen -q -s ca -I id ") + options + " k.pub");
        std::string line = folder.read("k-cert.pub");
        line = line.substr(line.find(' ') + 1);
        return Certificate::from_blob(base::from_base64(line.substr(0, line.find(' '))).value()).value();
    };
    const std::uint64_t now = 1'900'000'000;
    const Certificate host = made("-h -n '*.example.com,db?'");
    EXPECT_TRUE(host.check(CertificateUse::Host, "web1.example.com", now));
    EXPECT_TRUE(host.check(CertificateUse::Host, "Web1.Example.Com", now));
    EXPECT_TRUE(host.check(CertificateUse::Host, "db7", now));
    EXPECT_FALSE(host.check(CertificateUse::Host, "db77", now));
    EXPECT_FALSE(host.check(CertificateUse::Host, "example.com", now));
    EXPECT_FALSE(host.check(CertificateUse::User, "db7", now));
    const Certificate user = made("-n 'al*'");
    EXPECT_FALSE(user.check(CertificateUse::User, "alice", now));
    EXPECT_TRUE(user.check(CertificateUse::User, "al*", now));
}

}  // namespace
}  // namespace sekisho::keys
