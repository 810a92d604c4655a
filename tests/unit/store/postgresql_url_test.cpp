// What a URL of PostgreSQL says, and what is never said about it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/postgresql_url.h"
#include "store/store.h"

namespace sekisho::store {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

PostgreSqlUrl parsed(const std::string& url) {
    auto result = PostgreSqlUrl::parse(url);
    EXPECT_TRUE(result) << url << ": " << result.error().full();
    return *result;
}

TEST(PostgreSqlUrlTest, NamesThePlaceAndNotThePassword) {
    const std::pair<const char*, const char*> kNames[] = {
        {"postgresql://sekisho:hidden@db.example.com/gate", "PostgreSQL database gate at db.example.com:5432"},
        {"postgres://sekisho@[2001:db8::1]:6432/gate", "PostgreSQL database gate at [2001:db8::1]:6432"},
        {"postgresql://u@a:1,b:2/gate", "PostgreSQL database gate at a:1 or b:2"},
        {"postgresql:///gate?host=/run/pg&port=7&user=u&password=hidden", "PostgreSQL database gate at /run/pg/.s.PGSQL.7"},
    };
    for (const auto& [url, name] : kNames) {
        EXPECT_EQ(parsed(url).name(), name);
        EXPECT_EQ(store_place(url, "/data"), name);
        EXPECT_EQ(wrong_store_url(url), "");
    }
    EXPECT_TRUE(has_password("postgresql://u:p@h/d"));
    EXPECT_TRUE(has_password("postgresql://u@h/d?password=p"));
    EXPECT_FALSE(has_password("postgresql://u@h/d?passfile=/p"));
    EXPECT_FALSE(has_password("sqlite:x:y@z"));
}

/// However wrong it is, and wherever the password ended up.
TEST(PostgreSqlUrlTest, WhatIsWrongIsSaidWithoutRepeatingIt) {
    const std::pair<const char*, const char*> kWrong[] = {
        {"postgresql://u:hid/den@host/d", "wanted"},
        {"postgresql://u:hid@den@host/d", "%XX"},
        {"postgresql://u:12/hidden@host/d", "wanted"},
        {"postgresql://u:a@hidden/x@host/d", "%XX"},
        {"postgresql://u:%hidden@host/d", "%XX"},
        {"postgresql://u@host:hidden/d", "port"},
        {"postgresql://u@host:123456/d", "port"},
        {"postgresql://u@host/d?hidden", "%XX"},
        {"postgresql://u@host/d?password=hid&den", "%XX"},
        {"postgresql://u@host/d?password=%hidden", "%XX"},
        {"postgresql://u:p?hidden=x&y@host/d?z", "%XX"},
        {"postgresql://u@host/d?sslmod=require", "sslmode"},
        {"postgresql://u@host/d?connect_timeout=0", "2 to 60"},
        {"postgresql://u@host/d?connect_timeout=hidden", "2 to 60"},
        {"postgresql://u@host/d?passfile=hidden", "absolute"},
        {"postgresql://u@host/d?service=hidden", "service"},
        {"postgresql://host/d", "user is missing"},
        {"postgresql://u@host", "database is missing"},
        {"postgresql:u:hidden@host/d", "wanted"},
        {"mysql://u:hidden@host/d", "sqlite:FILE or postgresql://"},
        {"", "sqlite:FILE or postgresql://"},
        {"sqlite:", "sqlite:FILE or postgresql://"},
    };
    for (const auto& [url, hint] : kWrong) {
        const std::string wrong = wrong_store_url(url);
        EXPECT_THAT(wrong, HasSubstr(hint)) << url;
        for (const char* part : {"hid", "den"}) EXPECT_THAT(wrong, Not(HasSubstr(part))) << url;
        const auto opened = open_store(url, "/nowhere");
        ASSERT_FALSE(opened) << url;
        EXPECT_THAT(opened.error().full(), Not(HasSubstr("hidden"))) << url;
    }
}

TEST(PostgreSqlUrlTest, WaitsAreBoundedUnlessTheUrlSaysOtherwise) {
    const std::string usual = parsed("postgresql://u@h/d").connect_url();
    for (const char* option :
        {"connect_timeout=5", "tcp_user_timeout=15000", "keepalives_idle=10", "gssencmode=disable",
            "client_encoding=UTF8", "target_session_attrs=read%2Dwrite", "user=u", "host=h", "dbname=d"})
        EXPECT_THAT(usual, HasSubstr(option));
    const std::string stated =
        parsed("postgresql://u@h/d?connect_timeout=20&target_session_attrs=any&client_encoding=LATIN1").connect_url();
    EXPECT_THAT(stated, HasSubstr("connect_timeout=20"));
    EXPECT_THAT(stated, HasSubstr("target_session_attrs=any"));
    EXPECT_THAT(stated, HasSubstr("client_encoding=UTF8"));
    EXPECT_THAT(parsed("postgresql://u:it%27s%5C%20so@h/d").connect_url(), HasSubstr("password=it%27s%5C%20so"));
}

TEST(PostgreSqlUrlTest, TheSandboxLearnsWhichFilesLibpqReads) {
    ::setenv("PGPASSFILE", "/env/pgpass", 1);
    const auto files = store_files("postgresql://u@h/d?passfile=/etc/p&sslrootcert=/etc/ca.pem", "/data");
    ::unsetenv("PGPASSFILE");
    for (const char* path : {"/etc/p", "/etc/ca.pem", "/env/pgpass", "/data/gateway.id"})
        EXPECT_THAT(files.read, Contains(path));
    EXPECT_TRUE(files.write.empty());
    const auto sqlite = store_files("sqlite:a.db", "/data");
    EXPECT_EQ(sqlite.write, (std::vector<std::string>{"/data/a.db", "/data/a.db-wal", "/data/a.db-shm"}));
    EXPECT_TRUE(sqlite.read.empty());
}

}  // namespace
}  // namespace sekisho::store
