// Changes of one thing by the API: what is laid over what, what is refused with which words, and who wins when two are quick.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/time_zone.h"
#include "keys/private_key.h"
#include "keys/public_text.h"
#include "model/access_fields.h"
#include "web/json.h"
#include "web/routes.h"

namespace sekisho::web {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Told final : public model::LiveGateway {
public:
    void settle() override {}
    std::vector<model::Session> live_sessions() override { return {}; }
    bool end_session(const std::string&, const std::string&) override { return false; }
    void access_changed() override { ++changes; }
    Result<void> wrap_secret(model::TargetSecret& secret, const Bytes& sealed) override {
        if (sealed == base::to_bytes("refused")) return fail("the keyholder says no");
        secret.wrapped = base::to_bytes("wrapped");
        return {};
    }
    int changes = 0;
};

class EditTest : public testing::Test {
protected:
    EditTest() {
        done("POST", "/v1/users", R"({"name": "alice", "email": "alice@example.com", "groups": ["ops"]})");
        done("POST", "/v1/users", R"({"name": "bob"})");
        done("POST", "/v1/targets", R"({"name": "web1", "address": "10.0.0.5:22", "logins": ["ubuntu"], "trust": "first-use",
            "labels": {"env": "prod"}})");
        done("POST", "/v1/rules", R"({"name": "r", "users": ["alice"], "targets": ["web1"], "allow": ["shell"]})");
    }

    Response ask(std::string_view method, std::string_view target, std::string body = {}) {
        auto request = Request::from_target(method, target);
        request->body = std::move(body);
        request->actor = "uid 7";
        request->grants = Grants::everything();
        return m_api.handle(*request, *base::parse_rfc3339("2026-11-23T10:00:00+09:00"));
    }
    Json done(std::string_view method, std::string_view target, std::string body = {}) {
        const Response response = ask(method, target, std::move(body));
        EXPECT_EQ(response.status, 200) << method << " " << target << ": " << response.body;
        return Json::parse(response.body);
    }
    std::string refused(std::string_view method, std::string_view target, std::string body, int status) {
        const Response response = ask(method, target, std::move(body));
        EXPECT_EQ(response.status, status) << method << " " << target << ": " << response.body;
        return Json::parse(response.body).value("error", "no error");
    }
    Json user(const std::string& name) { return done("GET", "/v1/users/" + name)["user"]; }
    std::vector<std::string> rules() {
        std::vector<std::string> names;
        const Json all = done("GET", "/v1/rules");
        for (const Json& rule : all["rules"]) names.push_back(rule["name"]);
        return names;
    }
    std::size_t records() { return done("GET", "/v1/audit?kind=access.changed")["records"].size(); }
    Json last_record() { return done("GET", "/v1/audit?kind=access.changed")["records"].back(); }

    model::Config m_config;
    Told m_gateway;
    std::unique_ptr<store::Store> m_store = std::move(*store::open_store(":memory:", ""));
    Api m_api{*m_store, &m_gateway, m_config};
};

TEST(AccessFields, AreThoseOfTheJson) {
    const auto keys_of = [](const Json& object) {
        std::vector<std::string> keys;
        for (const auto& [key, value] : object.items()) keys.push_back(key);
        return keys;
    };
    for (const auto& [kind, json] : {std::pair("user", to_json(model::User())),
             std::pair("target", to_json(model::Target())), std::pair("rule", to_json(model::Rule())),
             std::pair("client_host", to_json(model::ClientHost())), std::pair("route", to_json(model::Route()))}) {
        std::vector<std::string> known = model::field_names(kind);
        if (std::string_view(kind) == "user") known.emplace_back("origin");  // to be seen, and not to be set
        EXPECT_THAT(keys_of(json), testing::UnorderedElementsAreArray(known)) << kind;
    }
    EXPECT_THAT(
        keys_of(to_json(model::Rule())["when"]), testing::UnorderedElementsAreArray(model::field_names("rule", "when")));
    for (const std::string_view word : model::access_field("rule", "allow")->words)
        EXPECT_TRUE(model::parse_capability(word)) << word;
    for (const std::string_view word : model::access_field("rule", "record")->words)
        EXPECT_TRUE(model::parse_record_level(word)) << word;
    for (const std::string_view word : model::access_field("rule", "on_failure")->words)
        EXPECT_TRUE(model::parse_on_failure(word)) << word;
    for (const std::string_view word : model::access_field("target", "auth")->words)
        EXPECT_TRUE(model::parse_target_auth(word)) << word;
}

TEST_F(EditTest, OfUsersThatAreKeptElsewhereOnlyWhatStaysIsChanged) {
    m_config.users_from.url = "s3://bucket/keys/";
    const std::string key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKD/dHBQ6TkiCjDJVNNYUePPQgIQw+f8xk2YHIgJTPP5";
    const std::string other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDdP6dV4sgwCCMmGCpMSvtp+w/nmMvUDJAKm2AImuL2V";
    ASSERT_TRUE(m_store->change_users({{.name = "carol", .groups = {"people"}, .keys = {key}, .origin = "keys/carol.pub"}}, {}, {}));
    const std::string fingerprint = done("GET", "/v1/users/carol/keys")["keys"][0]["fingerprint"];
    const auto put_back = [&](std::string_view method, std::string_view target, std::string body) {
        EXPECT_THAT(refused(method, target, std::move(body), 409), HasSubstr("comes from users_from (keys/carol.pub)"));
    };
    put_back("DELETE", "/v1/users/carol", "");
    put_back("PATCH", "/v1/users/carol", R"({"groups": ["people", "ops"]})");
    put_back("PATCH", "/v1/users/carol", R"({"keys": []})");
    put_back("PUT", "/v1/groups/ops", R"({"users": ["carol"]})");
    put_back("DELETE", "/v1/groups/people", "");
    put_back("POST", "/v1/users/carol/keys", other);
    put_back("DELETE", "/v1/users/carol/keys?fingerprint=" + url_encoded(fingerprint), "");
    EXPECT_THAT(refused("PATCH", "/v1/users/carol", R"({"origin": "x"})", 400), HasSubstr("unknown field origin"));
    EXPECT_THAT(refused("POST", "/v1/users", R"({"name": "dora", "origin": "x"})", 400), HasSubstr("unknown field origin"));

    // A lock counts at once, and the rest is as it was.
    EXPECT_EQ(done("PATCH", "/v1/users/carol", R"({"locked": true})")["applied"], true);
    const Json carol = user("carol");
    EXPECT_EQ(carol["locked"], true);
    EXPECT_EQ(carol["origin"], "keys/carol.pub");
    EXPECT_EQ(carol["keys"], Json({key}));
    EXPECT_EQ(user("alice")["origin"], "");
    EXPECT_EQ(done("PATCH", "/v1/groups/ops", R"({"add": ["bob"]})")["applied"], true);

    // Where nobody looks after them any more, whoever is left over can be taken away.
    m_config.users_from.url.clear();
    EXPECT_EQ(done("DELETE", "/v1/users/carol")["applied"], true);
}

TEST_F(EditTest, FieldsThatAreNotNamedStay) {
    const Json changed = done("PATCH", "/v1/users/alice", R"({"locked": true, "expires": "2027-12-31T23:59:59+09:00"})");
    EXPECT_EQ(changed["applied"], true);
    ASSERT_EQ(changed["changes"].size(), 1U);
    EXPECT_EQ(changed["changes"][0]["change"], "changed");
    const Json alice = user("alice");
    EXPECT_EQ(alice["email"], "alice@example.com");
    EXPECT_EQ(alice["groups"], Json({"ops"}));
    EXPECT_EQ(alice["locked"], true);
    EXPECT_EQ(m_gateway.changes, 5);
    EXPECT_EQ(records(), 5U);
    EXPECT_EQ(last_record()["source"], "uid 7");
    EXPECT_EQ(last_record()["subject"], "user alice");
    EXPECT_THAT(last_record()["reason"].get<std::string>(), HasSubstr("locked: \"\" → \"true\""));
    // What is so already is no change, and no record.
    EXPECT_EQ(done("PATCH", "/v1/users/alice", R"({"locked": true})")["applied"], false);
    EXPECT_EQ(records(), 5U);
}

TEST_F(EditTest, NullAndAnEmptyTextTakeAFieldOut) {
    done("PATCH", "/v1/users/alice", R"({"email": null, "groups": null})");
    EXPECT_EQ(user("alice")["email"], "");
    EXPECT_TRUE(user("alice")["groups"].empty());
    done("PATCH", "/v1/targets/web1", R"({"labels": {"env": null, "tier": "a \"quoted\\ one"}})");
    EXPECT_THAT(refused("PATCH", "/v1/targets/web1", R"({"labels": {"tier": "\u007f"}})", 400),
        HasSubstr("labels.tier is a text of"));
    EXPECT_EQ(refused("PATCH", "/v1/targets/web1", R"({"address": ""})", 400), "address is missing");
    done("PATCH", "/v1/rules/r", R"({"when": {"from": ["203.0.113.0/24"], "hours": "08:00-20:00 Asia/Tokyo"}})");
    done("PATCH", "/v1/rules/r", R"({"when": {"hours": ""}})");
    const Json rule = done("GET", "/v1/rules/r")["rule"];
    EXPECT_EQ(rule["when"], Json({{"from", {"203.0.113.0/24"}}, {"hours", ""}, {"touch", false}}));
    done("PATCH", "/v1/rules/r", R"({"when": null})");
    EXPECT_TRUE(done("GET", "/v1/rules/r")["rule"]["when"]["from"].empty());
}

TEST_F(EditTest, WhatIsWrongIsNamedAndNothingIsChanged) {
    const auto before = m_store->access_version().value();
    const std::size_t audited = records();
    EXPECT_THAT(refused("POST", "/v1/users", R"({"name": "Alice"})", 400), HasSubstr("name \"Alice\": a user's name is"));
    EXPECT_THAT(refused("POST", "/v1/users", R"({"email": "x@example.com"})", 400), HasSubstr("name is missing"));
    EXPECT_THAT(refused("POST", "/v1/users", R"({"name": "alice"})", 409), HasSubstr("called alice already"));
    EXPECT_THAT(refused("POST", "/v1/users", "[]", 400), HasSubstr("object of fields"));
    EXPECT_THAT(refused("POST", "/v1/users", "{", 400), HasSubstr("object of fields"));
    EXPECT_THAT(refused("POST", "/v1/users", std::string(100000, '['), 400), HasSubstr("object of fields"));
    EXPECT_THAT(refused("POST", "/v1/users", R"({"name": "carol", "mail": "x"})", 400),
        HasSubstr("unknown field mail of a user; did you mean email?"));
    EXPECT_THAT(
        refused("PATCH", "/v1/users/alice", R"({"groups": ["Ops"]})", 400), HasSubstr("groups \"Ops\": a group's name"));
    EXPECT_THAT(refused("PATCH", "/v1/users/alice", R"({"groups": "ops"})", 400), HasSubstr("groups is a list of texts"));
    EXPECT_THAT(refused("PATCH", "/v1/users/alice", R"({"groups": [null]})", 400), HasSubstr("groups: null"));
    EXPECT_THAT(refused("PATCH", "/v1/users/alice", R"({"groups": [[[["x"]]]]})", 400),
        HasSubstr("groups: a value is nested too deep"));
    EXPECT_THAT(refused("PATCH", "/v1/users/alice", R"({"locked": "yes"})", 400), HasSubstr("locked is true or false"));
    EXPECT_THAT(refused("PATCH", "/v1/users/alice", R"({"name": "carol"})", 400), HasSubstr("name cannot be changed"));
    EXPECT_THAT(refused("PATCH", "/v1/users/nobody", R"({"locked": true})", 404), HasSubstr("no user is called nobody"));
    EXPECT_THAT(
        refused("PATCH", "/v1/users/alice?versoin=1", R"({"locked": true})", 400), HasSubstr("did you mean version?"));
    EXPECT_THAT(refused("PATCH", "/v1/rules/r", R"({"targets": []})", 400), HasSubstr("targets is empty"));
    EXPECT_THAT(refused("PATCH", "/v1/rules/r", R"({"users": null})", 400), HasSubstr("users is missing"));
    EXPECT_THAT(refused("PATCH", "/v1/rules/r", R"({"allow": ["shel"]})", 400), HasSubstr("did you mean shell?"));
    EXPECT_THAT(refused("PATCH", "/v1/rules/r", R"({"when": {"hour": "x"}})", 400), HasSubstr("unknown key hour in when"));
    EXPECT_THAT(refused("DELETE", "/v1/targets/web2", "", 404), HasSubstr("no target is called web2"));
    EXPECT_THAT(refused("GET", "/v1/users/nobody", "", 404), HasSubstr("no user is called nobody"));
    EXPECT_EQ(m_store->access_version().value(), before);
    EXPECT_EQ(records(), audited);
}

TEST_F(EditTest, TextsAreTextsWhateverTheyHold) {
    const std::string odd = "a \"b\" \\ ' ] } # \n[[user]]\nname = \"mallory\"";
    refused("PATCH", "/v1/users/alice", Json({{"email", odd}}).dump(), 400);  // a control character
    const std::string printable = "a \"b\" \\ ' ] } # [[user]] 関所 = \"";
    done("PATCH", "/v1/targets/web1", Json({{"set_env", {{"X", printable}}}}).dump());
    EXPECT_EQ(done("GET", "/v1/targets/web1")["target"]["set_env"]["X"], printable);
    done("POST", "/v1/rules", Json({{"name", "a/b ? & 関所"}, {"users", {"*"}}, {"allow", {"shell"}}}).dump());
    EXPECT_EQ(done("GET", "/v1/rules/a/b%20%3F%20%26%20%E9%96%A2%E6%89%80")["rule"]["users"][0], "*");
    done("DELETE", "/v1/rules/a%2Fb%20%3F%20%26%20%E9%96%A2%E6%89%80");
    EXPECT_EQ(m_store->access()->users.size(), 2U);
}

TEST_F(EditTest, RulesHaveAPlace) {
    done("POST", "/v1/rules", R"({"name": "last", "users": ["*"], "allow": ["shell"]})");
    done("POST", "/v1/rules?before=r", R"({"name": "first", "users": ["*"], "allow": ["shell"]})");
    EXPECT_THAT(rules(), ElementsAre("first", "r", "last"));
    const Json moved = done("PATCH", "/v1/rules/last?before=first", "{}");
    EXPECT_EQ(moved["rules_reordered"], true);
    EXPECT_THAT(rules(), ElementsAre("last", "first", "r"));
    EXPECT_EQ(last_record()["reason"], "reordered");
    EXPECT_THAT(refused("PATCH", "/v1/rules/last?before=none", "{}", 400), HasSubstr("before: no rule is called none"));
    EXPECT_THAT(refused("PATCH", "/v1/rules/last?before=last", "{}", 400), HasSubstr("itself"));
    EXPECT_THAT(refused("PATCH", "/v1/users/alice?before=bob", "{}", 400), HasSubstr("no parameter before"));
}

TEST_F(EditTest, WhatIsLeftDanglingIsSaid) {
    const Json removed = done("DELETE", "/v1/users/alice");
    EXPECT_EQ(removed["warnings"], Json({"rule \"r\": no user is called alice"}));
    EXPECT_EQ(last_record()["reason"].get<std::string>().substr(0, 7), "removed");
    EXPECT_TRUE(done("DELETE", "/v1/users/bob")["warnings"].empty());  // it was so before
}

TEST_F(EditTest, AVersionThatIsNotTheOneThatWasSeenIsRefused) {
    const auto seen = std::to_string(done("GET", "/v1/users/alice")["version"].get<std::uint64_t>());
    done("PATCH", "/v1/users/bob", R"({"email": "bob@example.com"})");
    EXPECT_THAT(refused("PATCH", "/v1/users/alice?version=" + seen, R"({"groups": []})", 409), HasSubstr("somebody else"));
    EXPECT_EQ(user("alice")["groups"], Json({"ops"}));
}

/// Somebody else changes the access between our reading and our writing, as often as told.
class Busy final : public store::Store {
public:
    Busy(store::Store& store, int times) : m_store(store), m_times(times) {}
    Result<void> replace_access(const model::Access& access, const std::vector<model::AuditRecord>& changes) override {
        if (m_times-- > 0) {
            model::Access other = *m_store.access();
            other.users.front().email = fmt::format("{}@example.com", m_times);
            if (auto done = m_store.replace_access(other, {}); !done) return done;
        }
        return m_store.replace_access(access, changes);
    }
    Result<void> change_users(const std::vector<model::User>& put, const std::vector<std::string>& remove,
        const std::vector<model::AuditRecord>& changes) override {
        return m_store.change_users(put, remove, changes);
    }
    Result<model::Access> access() override { return m_store.access(); }
    Result<std::uint64_t> access_version() override { return m_store.access_version(); }
    Result<void> session_started(const model::Session& s) override { return m_store.session_started(s); }
    Result<void> session_finished(const model::Session& s) override { return m_store.session_finished(s); }
    Result<std::vector<model::Session>> close_dangling_sessions(WallTime now) override {
        return m_store.close_dangling_sessions(now);
    }
    Result<std::vector<model::Session>> sessions(const store::SessionFilter& f) override { return m_store.sessions(f); }
    Result<std::optional<model::Session>> session(const std::string& id) override { return m_store.session(id); }
    Result<void> audit(const model::AuditRecord& r) override { return m_store.audit(r); }
    Result<evidence::ChainHead> audit_head() override { return m_store.audit_head(); }
    Result<std::vector<model::AuditRecord>> audit_records(const store::AuditFilter& f) override {
        return m_store.audit_records(f);
    }
    Result<std::vector<store::ActivityHit>> search(const store::ActivityFilter& f) override { return m_store.search(f); }
    Result<void> record_commands(std::span<const model::CommandRun> c) override { return m_store.record_commands(c); }
    Result<void> record_file_operations(std::span<const model::FileOperation> o) override {
        return m_store.record_file_operations(o);
    }
    Result<std::vector<std::string>> learned_host_keys(const std::string& t) override {
        return m_store.learned_host_keys(t);
    }
    Result<void> learn_host_key(const std::string& t, const std::string& l) override { return m_store.learn_host_key(t, l); }
    Result<std::vector<model::Shipment>> shipments(const store::ShipmentFilter& f) override { return m_store.shipments(f); }
    Result<void> put_shipments(
        const std::vector<model::Shipment>& s, const std::vector<model::AuditRecord>& r) override {
        return m_store.put_shipments(s, r);
    }
    Result<std::vector<model::TargetSecret>> target_secrets(const std::string& t) override {
        return m_store.target_secrets(t);
    }
    Result<std::optional<model::TargetSecret>> target_secret(
        const std::string& t, const std::string& l, model::TargetAuth k) override {
        return m_store.target_secret(t, l, k);
    }
    Result<void> set_target_secret(const model::TargetSecret& s, const model::AuditRecord& r) override {
        return m_store.set_target_secret(s, r);
    }
    Result<bool> remove_target_secret(
        const std::string& t, const std::string& l, model::TargetAuth k, const model::AuditRecord& r) override {
        return m_store.remove_target_secret(t, l, k, r);
    }
    Result<void> sync() override { return m_store.sync(); }
    bool unsynced() const override { return m_store.unsynced(); }
    bool reachable() const override { return m_store.reachable(); }
    Result<void> together(const std::function<Result<void>()>& work) override { return m_store.together(work); }

private:
    store::Store& m_store;
    int m_times;
};

TEST_F(EditTest, AChangeByOthersInBetweenIsKept) {
    Busy busy(*m_store, 3);
    Api api(busy, nullptr, m_config);
    auto request = *Request::from_target("PATCH", "/v1/users/alice");
    request.grants = Grants::everything();
    request.body = R"({"locked": true})";
    EXPECT_EQ(api.handle(request, {}).status, 200);
    EXPECT_EQ(user("alice")["locked"], true);
    EXPECT_EQ(user("alice")["email"], "0@example.com");

    Busy always(*m_store, 1000);
    Api never(always, nullptr, m_config);
    request.body = R"({"locked": false})";
    EXPECT_EQ(never.handle(request, {}).status, 409);
    EXPECT_EQ(user("alice")["locked"], true);
}

TEST_F(EditTest, LimitsOfARule) {
    done("PATCH", "/v1/rules/r", R"({"max_time": "8h", "max_sessions": 2, "commands": ["uptime"], "allow": ["exec"]})");
    Json rule = done("GET", "/v1/rules/r")["rule"];
    EXPECT_EQ(rule["max_time"], "8h");
    EXPECT_EQ(rule["idle_time"], "");
    EXPECT_EQ(rule["max_sessions"], 2);
    done("PATCH", "/v1/rules/r", R"({"max_time": "", "idle_time": "90s", "max_sessions": null})");
    rule = done("GET", "/v1/rules/r")["rule"];
    EXPECT_EQ(rule["max_time"], "");
    EXPECT_EQ(rule["idle_time"], "90s");
    EXPECT_EQ(rule["max_sessions"], 0);
    EXPECT_EQ(rule["commands"], Json({"uptime"}));
    EXPECT_THAT(refused("PATCH", "/v1/rules/r", R"({"max_sessions": -1})", 400), HasSubstr("a number from 1 on"));
    EXPECT_THAT(refused("PATCH", "/v1/rules/r", R"({"max_time": "soon"})", 400), HasSubstr("a time is wanted"));
}

TEST_F(EditTest, ClientHosts) {
    const std::string key = keys::PrivateKey::generate(keys::KeyKind::Ed25519).public_key().line();
    done("POST", "/v1/client_hosts", Json{{"name", "desk1.example.com"}, {"keys", {key}}, {"users", {"alice"}}}.dump());
    done("PATCH", "/v1/client_hosts/desk1.example.com", R"({"accounts": {"al": "alice"}, "addresses": ["10.0.0.0/24"]})");
    const Json host = done("GET", "/v1/client_hosts/desk1.example.com")["client_host"];
    EXPECT_EQ(host["accounts"], Json({{"al", "alice"}}));
    EXPECT_EQ(done("GET", "/v1/client_hosts")["client_hosts"], Json::array({host}));
    EXPECT_THAT(refused("PATCH", "/v1/client_hosts/desk1.example.com", R"({"addresses": []})", 400), HasSubstr("addresses is empty"));
    EXPECT_EQ(last_record()["subject"], "client_host desk1.example.com");
    done("DELETE", "/v1/client_hosts/desk1.example.com");
    EXPECT_TRUE(done("GET", "/v1/client_hosts")["client_hosts"].empty());
}

TEST_F(EditTest, CredentialsComeSealedAndAreNeverShown) {
    const auto body = [](std::string_view kind, std::string_view login, std::string_view sealed) {
        return Json{{"kind", kind}, {"login", login}, {"sealed", base::base64(base::view(sealed))}}.dump();
    };
    const Json set = done("PUT", "/v1/secrets/web1", body("password", "ubuntu", "sealed"));
    EXPECT_THAT(set["warnings"][0].get<std::string>(), HasSubstr("auth=password"));
    EXPECT_EQ(set["secrets"][0], Json({{"target", "web1"}, {"login", "ubuntu"}, {"kind", "password"}, {"fingerprint", ""},
                                     {"public_key", ""}, {"set_by", "uid 7"}, {"set_at", "2026-11-23T01:00:00.000Z"}}));
    EXPECT_EQ(
        m_store->target_secret("web1", "ubuntu", model::TargetAuth::Password).value()->wrapped, base::to_bytes("wrapped"));
    done("PATCH", "/v1/targets/web1", R"({"auth": "password"})");
    EXPECT_TRUE(done("PUT", "/v1/secrets/web1", R"({"kind": "password", "sealed": "YQ=="})")["warnings"].empty());
    const Json records = done("GET", "/v1/audit?kind=secret.set")["records"];
    ASSERT_EQ(records.size(), 2U);
    EXPECT_EQ(records[0]["reason"], "password of ubuntu");
    EXPECT_EQ(records[0]["source"], "uid 7");

    EXPECT_THAT(refused("PUT", "/v1/secrets/gone", body("key", "", "sealed"), 404), HasSubstr("no target"));
    EXPECT_THAT(
        refused("PUT", "/v1/secrets/web1", body("certificate", "", "sealed"), 400), HasSubstr("key or password"));
    EXPECT_THAT(
        refused("PUT", "/v1/secrets/web1", body("key", "root", "sealed"), 400), HasSubstr("has no login root"));
    EXPECT_THAT(refused("PUT", "/v1/secrets/web1", body("key", "", ""), 400), HasSubstr("sealed is"));
    EXPECT_THAT(
        refused("PUT", "/v1/secrets/web1", body("key", "", std::string(40'000, 'x')), 400), HasSubstr("sealed is"));
    EXPECT_THAT(
        refused("PUT", "/v1/secrets/web1", R"({"kind": "key", "plain": "x"})", 400), HasSubstr("unknown field"));
    EXPECT_EQ(refused("PUT", "/v1/secrets/web1", body("key", "", "refused"), 409), "the keyholder says no");
    EXPECT_EQ(done("GET", "/v1/audit?kind=secret.set")["records"].back()["outcome"], "failed");
    done("PATCH", "/v1/targets/web1", R"({"logins": ["{user}"]})");
    EXPECT_THAT(refused("PUT", "/v1/secrets/web1", body("key", "", "sealed"), 400), HasSubstr("which one"));
    done("PUT", "/v1/secrets/web1", body("key", "alice", "sealed"));

    EXPECT_EQ(done("GET", "/v1/secrets?target=web1")["secrets"].size(), 2U);
    done("DELETE", "/v1/secrets/web1?login=alice&kind=key");
    EXPECT_THAT(refused("DELETE", "/v1/secrets/web1?login=alice&kind=key", "", 404), HasSubstr("no key is stored"));
    Api offline(*m_store, nullptr, m_config);
    auto request = Request::from_target("PUT", "/v1/secrets/web1");
    request->body = body("key", "alice", "sealed");
    request->grants = Grants::everything();
    EXPECT_EQ(offline.handle(*request, {}).status, 409) << "there is no keyholder";
    done("DELETE", "/v1/targets/web1");
    EXPECT_TRUE(done("GET", "/v1/secrets")["secrets"].empty());
}

TEST_F(EditTest, RoutesHaveAPlace) {
    const auto names = [&] {
        std::vector<std::string> all;
        const Json listed = done("GET", "/v1/routes");
        for (const Json& route : listed["routes"]) all.push_back(route["name"]);
        return all;
    };
    done("POST", "/v1/routes", R"({"name": "rest", "hosts": ["*"], "via": ["socks5://10.0.0.1:1080"]})");
    done("POST", "/v1/routes?before=rest", R"({"name": "inside", "hosts": ["*.example.net"], "via": ["web1"]})");
    EXPECT_THAT(names(), ElementsAre("inside", "rest"));
    EXPECT_EQ(done("GET", "/v1/explain?user=alice&forward=db.example.net:443")["route"], "inside");
    EXPECT_EQ(done("PATCH", "/v1/routes/rest?before=inside", "{}")["routes_reordered"], true);
    EXPECT_EQ(last_record()["subject"], "routes");
    EXPECT_THAT(names(), ElementsAre("rest", "inside"));
    EXPECT_EQ(done("GET", "/v1/explain?user=alice&forward=db.example.net:443")["via"], Json({"socks5://10.0.0.1:1080"}));
    EXPECT_EQ(done("PATCH", "/v1/routes/inside", R"({"via": null})")["changes"][0]["fields"][0]["before"], "web1");
    EXPECT_THAT(refused("PATCH", "/v1/routes/inside", R"({"hosts": []})", 400), HasSubstr("hosts is empty"));
    EXPECT_THAT(
        refused("PATCH", "/v1/routes/inside", R"({"via": ["a", "http://h:1"]})", 400), HasSubstr("only be the first"));
    EXPECT_THAT(done("PATCH", "/v1/routes/inside", R"({"via": ["gone"]})")["warnings"][0].get<std::string>(),
        HasSubstr("no target"));
    done("DELETE", "/v1/routes/rest");
    EXPECT_THAT(names(), ElementsAre("inside"));
}

TEST_F(EditTest, Groups) {
    done("PATCH", "/v1/groups/ops", R"({"add": ["bob", "alice"]})");
    EXPECT_EQ(done("GET", "/v1/groups/ops")["group"]["users"], Json({"alice", "bob"}));
    done("PATCH", "/v1/groups/dev", R"({"add": ["bob"]})");
    EXPECT_EQ(done("GET", "/v1/groups")["groups"].size(), 2U);
    EXPECT_EQ(user("bob")["groups"], Json({"ops", "dev"}));
    done("PATCH", "/v1/groups/ops", R"({"remove": ["alice"]})");
    EXPECT_TRUE(user("alice")["groups"].empty());
    done("PUT", "/v1/groups/ops", R"({"users": ["alice"]})");
    EXPECT_EQ(user("bob")["groups"], Json({"dev"}));
    done("DELETE", "/v1/groups/dev");
    EXPECT_TRUE(user("bob")["groups"].empty());
    EXPECT_THAT(refused("GET", "/v1/groups/dev", "", 404), HasSubstr("nobody is in group dev"));
    EXPECT_THAT(refused("DELETE", "/v1/groups/dev", "", 404), HasSubstr("nobody"));
    EXPECT_THAT(refused("PATCH", "/v1/groups/ops", R"({"add": ["carol"]})", 400), HasSubstr("no user is called carol"));
    EXPECT_THAT(refused("PATCH", "/v1/groups/Ops", R"({"add": ["bob"]})", 400), HasSubstr("a group's name"));
    for (const char* wrong : {"{}", "[]", R"({"add": "bob"})", R"({"add": [5]})", R"({"add": [], "more": []})"})
        EXPECT_EQ(ask("PATCH", "/v1/groups/ops", wrong).status, 400) << wrong;
    for (const char* wrong : {"{}", R"({"users": "bob"})", R"({"users": [], "x": 1})"})
        EXPECT_EQ(ask("PUT", "/v1/groups/ops", wrong).status, 400) << wrong;
}

TEST_F(EditTest, Keys) {
    const keys::PublicKey key = keys::PrivateKey::generate(keys::KeyKind::Ed25519).public_key();
    const std::string at = "/v1/users/alice/keys";
    const std::string one = at + "?fingerprint=" + url_encoded(key.fingerprint());
    done("POST", at + "?options=restrict&comment=laptop", keys::rfc4716(key));
    Json keys = done("GET", at)["keys"];
    ASSERT_EQ(keys.size(), 1U);
    EXPECT_EQ(keys[0], Json({{"fingerprint", key.fingerprint()}, {"type", "ssh-ed25519"}, {"options", "restrict"},
                           {"comment", "laptop"}, {"line", "restrict " + key.line("laptop")}}));
    EXPECT_EQ(done("POST", at, "restrict " + key.line("laptop"))["applied"], false);
    EXPECT_THAT(refused("POST", at, key.line("laptop"), 409), HasSubstr("already, with other options"));
    done("PATCH", one, R"({"options": "from=\"10.0.0.0/8\""})");
    EXPECT_EQ(user("alice")["keys"], Json({"from=\"10.0.0.0/8\" " + key.line("laptop")}));
    done("PATCH", one, R"({"options": null, "comment": "desk"})");
    EXPECT_EQ(user("alice")["keys"], Json({key.line("desk")}));
    EXPECT_THAT(refused("PATCH", one, R"({"options": "frm=\"x\""})", 400), HasSubstr("options: unknown option"));
    EXPECT_EQ(ask("PATCH", one, Json({{"options", "restrict " + key.line()}}).dump()).status, 400);
    EXPECT_THAT(refused("PATCH", one, R"({"coment": "x"})", 400), HasSubstr("did you mean comment?"));
    EXPECT_THAT(refused("PATCH", one, R"({"comment": 5})", 400), HasSubstr("comment is a text"));
    EXPECT_THAT(refused("PATCH", at + "?fingerprint=SHA256:x", "{}", 404), HasSubstr("has no key"));
    EXPECT_THAT(refused("DELETE", at, "", 400), HasSubstr("fingerprint is missing"));
    done("DELETE", one);
    EXPECT_TRUE(user("alice")["keys"].empty());
    EXPECT_THAT(refused("DELETE", one, "", 404), HasSubstr("has no key"));
    EXPECT_THAT(refused("POST", "/v1/users/nobody/keys", key.line(), 404), HasSubstr("nobody"));
    EXPECT_THAT(refused("POST", at, "nonsense", 400), HasSubstr("line 1"));
}

// --- roles and the table ---

TEST_F(EditTest, EachRoleAndNothingElse) {
    const auto known = Roles::resolve({.admins = {"101"}, .auditors = {"102", "@900"}, .operators = {"103", "@900"}});
    ASSERT_TRUE(known.has_value());
    EXPECT_TRUE(known->others());
    EXPECT_FALSE(Roles().others());
    const auto of = [&](uid_t uid, std::vector<gid_t> groups = {}) { return known->of({uid, std::move(groups)}); };
    EXPECT_EQ(of(0).role(), "admin");
    EXPECT_EQ(of(101).role(), "admin");
    EXPECT_EQ(of(102).role(), "auditor");
    EXPECT_EQ(of(103).role(), "operator");
    EXPECT_EQ(of(104, {5, 900}).role(), "auditor and operator");
    EXPECT_EQ(of(104, {5}).role(), "nobody");
    EXPECT_TRUE(of(104).none());
    EXPECT_FALSE(Roles().of({102, {900}}).has(Permission::Look));

    const auto status = [&](const Grants& grants, std::string_view method, std::string_view target) {
        auto request = *Request::from_target(method, target);
        request.grants = grants;
        request.actor = "uid 104";
        return m_api.handle(request, {}).status;
    };
    for (const auto& route : Api::routes()) {
        std::string path(route.path);
        if (const auto open = path.find('{'); open != std::string::npos)
            path.replace(open, path.find('}') - open + 1, "none");
        for (const Grants& grants : {Grants(), of(102), of(103), of(104, {900})}) {
            const bool refused = status(grants, route.method, path) == 403;
            EXPECT_EQ(refused, !grants.has(route.needs)) << grants.role() << " " << route.method << " " << path;
        }
    }
    EXPECT_EQ(status(Grants(), "GET", "/nothing"), 403);
    EXPECT_EQ(status(of(102), "GET", "/nothing"), 404);
    for (int i = 0; i < 200; ++i) status(Grants(), "GET", "/v1/access");
    const Json refusals = done("GET", "/v1/audit?kind=admin.refused")["records"];
    EXPECT_EQ(refusals.size(), 200U) << "so many in a minute, and no more";
    EXPECT_EQ(refusals[0]["source"], "uid 104");
    EXPECT_EQ(refusals[0]["outcome"], "refused");
    EXPECT_THAT(refusals.back()["reason"].get<std::string>(), HasSubstr("in the log only"));
}

TEST(RolesTest, NamesThatNobodyHas) {
    EXPECT_THAT(Roles::resolve({.auditors = {"no-such-account"}}).error().text,
        HasSubstr("admin.auditors: this machine has no account no-such-account"));
    EXPECT_THAT(Roles::resolve({.operators = {"@no-such-group"}}).error().text,
        HasSubstr("admin.operators: this machine has no group"));
    EXPECT_FALSE(Roles::resolve({.admins = {"4294967295"}}).has_value());
    const auto root = Roles::resolve({.operators = {"@root"}});
    EXPECT_EQ(root->of({77, {0}}).role(), "operator");
}

TEST(RoutesTest, EachNameOnceAndWordsThatMatch) {
    std::set<std::string_view> ids;
    for (const auto& route : Api::routes()) EXPECT_TRUE(ids.insert(route.id).second) << route.id;
    EXPECT_EQ(matched("/v1/users/{name}/keys", "/v1/users/alice/keys"), "alice");
    EXPECT_EQ(matched("/v1/users/{name}/keys", "/v1/users//keys"), std::nullopt);
    EXPECT_EQ(matched("/v1/rules/{name}", "/v1/rules/a/b"), "a/b");
    EXPECT_EQ(matched("/v1/rules/{name}", "/v1/rules/"), std::nullopt);
    EXPECT_EQ(matched("/v1/rules", "/v1/rules"), "");
}

TEST_F(EditTest, TheDescriptionNamesEveryRouteAndEverySchema) {
    const Json all = done("GET", "/openapi.json");
    std::size_t operations = 0;
    for (const auto& [path, methods] : all["paths"].items()) operations += methods.size();
    EXPECT_EQ(operations, Api::routes().size());
    const std::string text = all.dump();
    const std::string mark = "#/components/schemas/";
    for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
        const std::string name = text.substr(at + mark.size(), text.find('"', at) - at - mark.size());
        EXPECT_TRUE(all["components"]["schemas"].contains(name)) << name;
    }
}

}  // namespace
}  // namespace sekisho::web
