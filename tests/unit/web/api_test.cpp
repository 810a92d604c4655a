#include "web/api.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/time_zone.h"

namespace sekisho::web {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

class FakeGateway final : public model::LiveGateway {
public:
    std::vector<model::Session> live_sessions() override { return sessions; }
    bool end_session(const std::string& id, const std::string& reason) override {
        ended = id + ": " + reason;
        return id == "live1";
    }
    void settle() override {}
    void access_changed() override { ++changes; }

    std::vector<model::Session> sessions;
    std::string ended;
    int changes = 0;
};

class ApiTest : public testing::Test {
protected:
    ApiTest() : m_store(std::move(*store::open_store(":memory:", ""))), m_api(*m_store, &m_gateway, m_config) {}

    Response ask(std::string_view method, std::string_view target, std::string body = {}) {
        auto request = Request::from_target(method, target);
        EXPECT_TRUE(request) << target;
        request->body = std::move(body);
        request->actor = "uid 0";
        request->grants = Grants::everything();
        return m_api.handle(*request, *base::parse_rfc3339("2026-11-23T10:00:00+09:00"));
    }
    Json get(std::string_view target) {
        const Response response = ask("GET", target);
        EXPECT_EQ(response.status, 200) << response.body;
        return Json::parse(response.body);
    }
    Json apply(const Json& body) {
        const Response response = ask("POST", "/v1/apply", body.dump());
        EXPECT_EQ(response.status, 200) << response.body;
        return Json::parse(response.body);
    }
    static Json files(std::string text) { return {{"files", {{{"name", "a.toml"}, {"text", std::move(text)}}}}}; }

    static constexpr const char* kAccess = R"(
[[user]]
name = "alice"
[[target]]
name = "web1"
address = "10.0.0.5:22"
logins = ["ubuntu"]
trust = "first-use"
[[rule]]
name = "r"
users = ["alice"]
targets = ["web1"]
allow = ["shell"]
when = { from = ["203.0.113.0/24"] }
[[rule]]
name = "f"
users = ["alice", "bob"]
allow = ["local-forward"]
forward = ["ledger:443"]
)";

    model::Config m_config;
    FakeGateway m_gateway;
    std::unique_ptr<store::Store> m_store;
    Api m_api;
};

TEST(RequestTest, TargetsAreSplitAndDecoded) {
    const auto request = Request::from_target("GET", "/v1/s%20x?user=a%26b&live=1&empty=&flag");
    ASSERT_TRUE(request);
    EXPECT_EQ(request->path, "/v1/s x");
    EXPECT_EQ(request->parameter("user"), "a&b");
    EXPECT_TRUE(request->flag("live"));
    EXPECT_FALSE(request->flag("flag"));
    EXPECT_EQ(request->parameter("none"), "");
    for (const char* wrong : {"", "x", "/a%2", "/a%zz", "/a?b=%"}) EXPECT_FALSE(Request::from_target("GET", wrong)) << wrong;
    EXPECT_EQ(url_encoded("a b/ü&~"), "a%20b%2F%C3%BC%26~");
}

TEST_F(ApiTest, WhatIsNotThereIsRefused) {
    EXPECT_EQ(ask("GET", "/v1/nothing").status, 404);
    EXPECT_EQ(ask("PUT", "/v1/access").status, 405);
    EXPECT_EQ(ask("GET", "/v1/apply").status, 405);
    EXPECT_EQ(ask("GET", "/v1/audit?after=x").status, 400);
    EXPECT_EQ(ask("GET", "/v1/sessions?most=-1").status, 400);
    EXPECT_EQ(ask("GET", "/v1/sessions/none").status, 404);
    EXPECT_EQ(ask("GET", "/v1/ca").status, 404);
}

TEST_F(ApiTest, ApplyShowsThenChangesThenTellsTheGateway) {
    Json body = files(kAccess);
    body["dry_run"] = true;
    const Json shown = apply(body);
    EXPECT_EQ(shown["changes"].size(), 4U);
    EXPECT_EQ(shown["applied"], false);
    EXPECT_THAT(shown["warnings"].dump(), HasSubstr("no user is called bob"));
    EXPECT_TRUE(m_store->access()->users.empty());
    EXPECT_EQ(m_gateway.changes, 0);

    body["dry_run"] = false;
    body["version"] = shown["version"];
    EXPECT_EQ(apply(body)["applied"], true);
    EXPECT_EQ(m_store->access()->users.size(), 1U);
    EXPECT_EQ(m_gateway.changes, 1);
    // The same version again: somebody (we) changed it in between.
    EXPECT_EQ(ask("POST", "/v1/apply", body.dump()).status, 409);
    const Json again = apply(files(kAccess));
    EXPECT_TRUE(again["changes"].empty());
    EXPECT_EQ(again["applied"], false);
    EXPECT_EQ(m_gateway.changes, 1);

    const Json records = get("/v1/audit?kind=access.changed")["records"];
    ASSERT_EQ(records.size(), 4U);
    EXPECT_EQ(records[0]["subject"], "user alice");
    EXPECT_EQ(records[0]["source"], "uid 0");
    EXPECT_EQ(get("/v1/access")["rules"][0]["when"]["from"][0], "203.0.113.0/24");
}

TEST_F(ApiTest, ApplyKeepsOrPrunesWhatTheFilesDoNotName) {
    apply(files(kAccess));
    Json body = files("[[user]]\nname = \"carol\"\n");
    EXPECT_EQ(apply(body)["changes"].size(), 1U);
    EXPECT_EQ(m_store->access()->users.size(), 2U);
    body["prune"] = true;
    const Json pruned = apply(body);
    EXPECT_EQ(pruned["changes"].size(), 4U);
    EXPECT_EQ(m_store->access()->users.size(), 1U);
    EXPECT_TRUE(m_store->access()->rules.empty());
}

TEST_F(ApiTest, ApplyLeavesUsersAloneThatAreKeptElsewhere) {
    m_config.users_from.url = "s3://bucket/keys/";
    ASSERT_TRUE(m_store->change_users({{.name = "bucket", .keys = {"k"}, .origin = "keys/bucket.pub"}}, {}, {}));
    EXPECT_EQ(ask("POST", "/v1/apply?prune=1", "[[user]]\nname = \"alice\"\n").status, 200);
    EXPECT_EQ(m_store->access()->users.size(), 2U);
    const auto refused = ask("POST", "/v1/apply", "[[user]]\nname = \"bucket\"\n");
    EXPECT_EQ(refused.status, 409);
    EXPECT_THAT(refused.body, HasSubstr("keys/bucket.pub"));
    EXPECT_EQ(m_store->access()->user("bucket")->keys, std::vector<std::string>{"k"});

    // Where nobody looks after them any more they are like all others.
    m_config.users_from.url.clear();
    EXPECT_EQ(ask("POST", "/v1/apply", "[[user]]\nname = \"carol\"\n").status, 200);
    EXPECT_EQ(m_store->access()->user("bucket")->origin, "");
    EXPECT_EQ(ask("POST", "/v1/apply?prune=1", "[[user]]\nname = \"carol\"\n").status, 200);
    EXPECT_EQ(m_store->access()->user("bucket"), nullptr);
}

TEST_F(ApiTest, ApplyRefusesWhatItDoesNotUnderstand) {
    for (const char* body : {"{", "{}", R"({"files": 5})", R"({"files": [{"name": "x"}]})", R"({"files": [], "prun": true})",
             R"({"files": [], "prune": "yes"})"}) {
        EXPECT_EQ(ask("POST", "/v1/apply", body).status, 400) << body;
    }
    const Response wrong = ask("POST", "/v1/apply", files("[[user]]\nnmae = \"x\"\n").dump());
    EXPECT_EQ(wrong.status, 400);
    EXPECT_THAT(wrong.body, HasSubstr("a.toml:2: unknown key nmae"));
    EXPECT_EQ(ask("POST", "/v1/apply?dry_run=1", "[[user]]\nname = \"x\"\n").status, 200);
    EXPECT_TRUE(m_store->access()->users.empty());
}

TEST_F(ApiTest, SessionsAreThoseOfTheStoreWithTheCountersOfTheGateway) {
    const WallTime start = base::from_unix_milliseconds(1795324560000);
    const auto session = [&](const char* id) {
        return model::Session{
            .id = id, .audit_key = fmt::format("key-{}", id), .user = "alice", .target = "ubuntu@web1", .started = start};
    };
    ASSERT_TRUE(m_store->session_started(session("past")));
    ASSERT_TRUE(m_store->session_started(session("live1")));
    model::Session running = session("live1");
    running.bytes_out = 42;
    m_gateway.sessions = {running, session("fresh")};

    const Json all = get("/v1/sessions")["sessions"];
    ASSERT_EQ(all.size(), 3U);
    int live = 0;
    for (const Json& item : all) live += item["live"] == true ? 1 : 0;
    EXPECT_EQ(live, 2);
    EXPECT_EQ(get("/v1/sessions?user=bob")["sessions"].size(), 0U);
    EXPECT_EQ(get("/v1/sessions/live1")["bytes_out"], 42);
    EXPECT_EQ(get("/v1/sessions/key-fresh")["live"], true);
    EXPECT_EQ(get("/v1/sessions/past")["finished"], nullptr);
    EXPECT_EQ(get("/v1/recordings")["recordings"].size(), 2U);
}

TEST_F(ApiTest, SessionsEndWithTheReasonAndAnAuditRecord) {
    EXPECT_EQ(ask("DELETE", "/v1/sessions/live1?reason=noon%20break").status, 200);
    EXPECT_EQ(m_gateway.ended, "live1: ended by an administrator: noon break");
    EXPECT_EQ(ask("DELETE", "/v1/sessions/other").status, 404);
    EXPECT_EQ(get("/v1/audit?kind=session.end")["records"].size(), 2U);
    Api alone(*m_store, nullptr, m_config);
    Request request = *Request::from_target("DELETE", "/v1/sessions/live1");
    EXPECT_EQ(alone.handle(request, {}).status, 403) << "without a role";
    request.grants = Grants::everything();
    EXPECT_EQ(alone.handle(request, {}).status, 409);
}

TEST_F(ApiTest, ExplainSaysWhatDecideSays) {
    apply(files(kAccess));
    const Json survey = get("/v1/explain?user=alice&target=ubuntu@web1&from=203.0.113.9");
    EXPECT_GT(survey["decisions"].size(), 3U);
    EXPECT_EQ(survey["decisions"][0]["capability"], "shell");
    EXPECT_EQ(survey["decisions"][0]["allowed"], true);
    EXPECT_EQ(survey["decisions"][0]["on_failure"], "refuse");
    EXPECT_EQ(survey["decisions"][1]["allowed"], false);
    EXPECT_EQ(get("/v1/explain?user=alice&target=web1&as=shell")["decisions"][0]["allowed"], false);
    EXPECT_EQ(get("/v1/explain?user=alice&target=web1&as=shell&anytime=1")["decisions"][0]["allowed"], true);
    EXPECT_EQ(get("/v1/explain?user=alice&forward=ledger:443")["decisions"][0]["rule"], "f");
    EXPECT_EQ(get("/v1/explain?user=alice&forward=ledger:444")["decisions"][0]["allowed"], false);
    for (const char* wrong : {"/v1/explain?user=alice&target=a@b@c@d", "/v1/explain?user=alice&as=shel",
             "/v1/explain?user=alice&as=local-forward", "/v1/explain?user=alice&at=now", "/v1/explain?user=alice&forward=x",
             "/v1/explain?user=alice&target=bob@ubuntu@web1"}) {
        EXPECT_EQ(ask("GET", wrong).status, 400) << wrong;
    }
}

}  // namespace
}  // namespace sekisho::web
