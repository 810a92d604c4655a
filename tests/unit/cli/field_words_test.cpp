#include "cli/field_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sekisho::cli {
namespace {

using testing::HasSubstr;
using Words = std::vector<std::string>;

std::string body(std::string_view kind, const Words& words, const std::string& there = {}, std::string_view name = {}) {
    const auto seen = JsonView::parse(there.empty() ? "{}" : there);
    const auto made = body_of_words(kind, words, there.empty() ? nullptr : &*seen, name);
    return made ? *made : made.error().text;
}

TEST(FieldWords, EachTypeOfField) {
    EXPECT_EQ(body("user", {"email=a=b@example.com"}, {}, "alice"), R"({"email":"a=b@example.com","name":"alice"})");
    EXPECT_EQ(body("user", {"locked=true"}), R"({"locked":true})");
    EXPECT_EQ(body("user", {"groups=ops,dev"}), R"({"groups":["ops","dev"]})");
    EXPECT_EQ(body("user", {"keys=from=\"10.0.0.1,10.0.0.2\" ssh-ed25519 AAAA"}),
        R"({"keys":["from=\"10.0.0.1,10.0.0.2\" ssh-ed25519 AAAA"]})");
    EXPECT_EQ(body("target", {"labels.env=prod", "labels.tier=", "set_env.A=1,2"}),
        R"({"labels":{"env":"prod","tier":null},"set_env":{"A":"1,2"}})");
    EXPECT_EQ(body("rule", {"when.from=10.0.0.0/8,192.0.2.1", "when.hours=Mon,Fri 08:00-20:00 Asia/Tokyo"}),
        R"({"when":{"from":["10.0.0.0/8","192.0.2.1"],"hours":"Mon,Fri 08:00-20:00 Asia/Tokyo"}})");
    EXPECT_EQ(body("rule", {"targets=env=prod,web*"}), R"({"targets":["env=prod","web*"]})");
    EXPECT_EQ(body("rule", {R"(targets=note=a\,b,web)"}), R"({"targets":["note=a,b","web"]})");
}

TEST(FieldWords, NothingClears) {
    EXPECT_EQ(body("user", {"email=", "groups="}), R"({"email":null,"groups":null})");
    EXPECT_EQ(body("target", {"labels="}), R"({"labels":null})");
    EXPECT_EQ(body("rule", {"when="}), R"({"when":null})");
    EXPECT_EQ(body("rule", {"when.hours="}), R"({"when":{"hours":null}})");
}

TEST(FieldWords, ListsGrowAndShrinkFromWhatIsThere) {
    const std::string there = R"({"groups": ["ops", "dev"], "when": {"from": ["10.0.0.0/8"]}})";
    EXPECT_EQ(body("user", {"groups+=qa,ops"}, there), R"({"groups":["ops","dev","qa"]})");
    EXPECT_EQ(body("user", {"groups-=ops"}, there), R"({"groups":["dev"]})");
    EXPECT_EQ(body("user", {"groups-=ops", "groups+=qa"}, there), R"({"groups":["dev","qa"]})");
    EXPECT_EQ(body("user", {"groups-=ops,dev"}, there), R"({"groups":null})");
    EXPECT_EQ(body("user", {"groups-=ops,dev", "groups+=qa"}, there), R"({"groups":["qa"]})");
    EXPECT_EQ(body("user", {"groups=a", "groups=b"}, there), R"({"groups":["a","b"]})");
    EXPECT_EQ(body("rule", {"when.from+=192.0.2.1"}, there), R"({"when":{"from":["10.0.0.0/8","192.0.2.1"]}})");
    EXPECT_THAT(body("user", {"groups-=qa"}, there), HasSubstr("groups does not have \"qa\""));
    EXPECT_TRUE(need_what_is_there({"email=x", "groups+=a"}));
    EXPECT_FALSE(need_what_is_there({"email=a+=b", "groups=a"}));
}

TEST(FieldWords, WhatIsWrongIsNamed) {
    EXPECT_THAT(body("user", {"email"}), HasSubstr("\"email\": write FIELD=VALUE"));
    EXPECT_THAT(body("user", {"=x"}), HasSubstr("write FIELD=VALUE"));
    EXPECT_THAT(
        body("user", {"mail=x"}), HasSubstr("unknown field mail of a user; did you mean email?; fields are name, email"));
    EXPECT_THAT(body("user", {"name=x"}), HasSubstr("cannot be changed"));
    EXPECT_THAT(body("user", {"email+=x"}), HasSubstr("email is not a list; write email=VALUE"));
    EXPECT_THAT(body("user", {"locked=yes"}), HasSubstr("locked is true or false"));
    EXPECT_THAT(body("target", {"labels=env"}), HasSubstr("labels.NAME=VALUE"));
    EXPECT_THAT(body("rule", {"when.hour=x"}), HasSubstr("unknown field when.hour"));
    EXPECT_THAT(body("rule", {"when=x"}), HasSubstr("unknown field when"));
    EXPECT_EQ(key_body({"options=restrict", "comment="}).value(), R"({"comment":null,"options":"restrict"})");
    EXPECT_THAT(key_body({"option=x"}).error().text, HasSubstr("did you mean options?"));
}

}  // namespace
}  // namespace sekisho::cli
