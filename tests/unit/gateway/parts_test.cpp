// The gateway's pure parts: what an exec request is, the command form, judging host keys, texts, the store worker.
#include <gtest/gtest.h>

#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

#include "gateway/checkpoints.h"
#include "gateway/exec_kind.h"
#include "gateway/host_key_check.h"
#include "gateway/refusal_budget.h"
#include "gateway/store_worker.h"
#include "gateway/text.h"
#include "keys/certificate.h"
#include "keys/private_key.h"

namespace sekisho::gateway {
namespace {

using model::Capability;

TEST(ExecKind, OnlyTheFormOfScpClientsIsScp) {
    for (const char* copy : {"scp -t /tmp/x", "scp -v -r -p -f -- ~/dir", "scp -rt .", "scp -f a*"}) {
        EXPECT_EQ(exec_capability(copy), Capability::Scp) << copy;
    }
    for (const char* command :
        {"scp", "scp a b", "scp -t", "scp -t x; id", "scp -t `id`", "scp -t $(id)", "scp -t x\nid", "scp -S prog -t x",
            "scp -t x | y", "uptime", "/usr/bin/scp -t x", "scp -t x & y", "scp -o ProxyCommand=id -t x"}) {
        EXPECT_EQ(exec_capability(command), Capability::Exec) << command;
    }
}

TEST(ExecKind, CopiesThatWrite) {
    for (const char* command : {"scp -t x", "scp -pt x", "scp -v -r -t -- x", "scp -tf x", "scp -f -t x"})
        EXPECT_TRUE(scp_writes(command)) << command;
    for (const char* command : {"scp -f x", "scp -rpf t", "scp -f -- -t", "scp -f x-t"}) EXPECT_FALSE(scp_writes(command)) << command;
}

TEST(ExecKind, CommandForm) {
    const auto form = parse_command_form("ubuntu@web1  uptime -p");
    ASSERT_TRUE(form.has_value());
    EXPECT_EQ(form->login, "ubuntu");
    EXPECT_EQ(form->target, "web1");
    EXPECT_EQ(form->command, "uptime -p");
    EXPECT_EQ(parse_command_form("web1")->command, "");
    EXPECT_FALSE(parse_command_form("").has_value());
    EXPECT_FALSE(parse_command_form("@web1").has_value());
    EXPECT_FALSE(parse_command_form("alice@ubuntu@web1").has_value());
    EXPECT_FALSE(parse_command_form("Web1;id").has_value());
}

TEST(Text, ControlCharactersDoNotReachATerminal) {
    EXPECT_EQ(shown("a\x1b[31mb\x7f"), "a?[31mb?");
    EXPECT_EQ(shown("abcdef", 3), "abc...");
    EXPECT_EQ(shown("日本"), "日本");
    EXPECT_EQ(for_terminal("a\nb\r\nc"), "a\r\nb\r\nc");
}

class HostKeys : public ::testing::Test {
protected:
    using Verdict = HostKeyJudgement::Verdict;
    HostKeyJudgement judge(BytesView blob, const std::vector<std::string>& learned = {}) {
        return judge_host_key(target, learned, blob, std::chrono::system_clock::from_time_t(1'800'000'000), revocation);
    }
    Bytes host_certificate(const std::string& principal, std::uint64_t until) {
        keys::CertificateFields fields;
        fields.use = keys::CertificateUse::Host;
        fields.principals = {principal};
        fields.valid_before = until;
        const auto unsigned_part =
            keys::certificate_to_be_signed(key.public_key(), ca.public_key(), fields, crypto::system_random());
        return keys::certificate_blob(unsigned_part, *ca.sign("ssh-ed25519", unsigned_part));
    }
    keys::PrivateKey key = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
    keys::PrivateKey other = keys::PrivateKey::generate(keys::KeyKind::EcdsaP256);
    keys::PrivateKey ca = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
    model::Target target{.name = "web1", .address = "web1.example.net:22"};
    identity::Revocation revocation;
};

TEST_F(HostKeys, PinnedLearnedUnknown) {
    EXPECT_EQ(judge(key.public_key().blob()).verdict, Verdict::Refused);
    target.trust_first_use = true;
    const auto first = judge(key.public_key().blob());
    EXPECT_EQ(first.verdict, Verdict::Learn);
    EXPECT_EQ(judge(key.public_key().blob(), {first.line}).verdict, Verdict::Trusted);
    const auto changed = judge(other.public_key().blob(), {first.line});
    EXPECT_EQ(changed.verdict, Verdict::Refused);
    EXPECT_NE(changed.text.find(key.public_key().fingerprint()), std::string::npos);
    EXPECT_NE(changed.text.find(other.public_key().fingerprint()), std::string::npos);
    // A pinned key counts alone: what was learned before does not.
    target.host_keys = {other.public_key().line()};
    EXPECT_EQ(judge(key.public_key().blob(), {first.line}).verdict, Verdict::Refused);
    EXPECT_EQ(judge(other.public_key().blob()).verdict, Verdict::Trusted);
    EXPECT_EQ(judge(base::view("nonsense")).verdict, Verdict::Refused);
}

TEST_F(HostKeys, CertificatesOfTheTargetsAuthority) {
    target.host_ca = {ca.public_key().line()};
    EXPECT_EQ(judge(host_certificate("web1", 1'900'000'000)).verdict, Verdict::Trusted);
    EXPECT_EQ(judge(host_certificate("web1.example.net", 1'900'000'000)).verdict, Verdict::Trusted);
    EXPECT_EQ(judge(host_certificate("web2", 1'900'000'000)).verdict, Verdict::Refused);
    EXPECT_EQ(judge(host_certificate("web1", 1'700'000'000)).verdict, Verdict::Refused);
    EXPECT_EQ(judge(key.public_key().blob()).verdict, Verdict::Refused);
    target.host_ca = {other.public_key().line()};
    EXPECT_EQ(judge(host_certificate("web1", 1'900'000'000)).verdict, Verdict::Refused);
}

TEST_F(HostKeys, WhatIsRevokedIsNotTrustedWhoeverKnowsIt) {
    target.host_keys = {key.public_key().line()};
    target.host_ca = {ca.public_key().line()};
    const Bytes certificate = host_certificate("web1", 1'900'000'000);
    EXPECT_EQ(judge(certificate).verdict, Verdict::Trusted);
    revocation.revoked_keys = {ca.public_key()};
    EXPECT_NE(judge(certificate).text.find("revoked"), std::string::npos);
    EXPECT_EQ(judge(key.public_key().blob()).verdict, Verdict::Trusted);
    revocation.revoked_keys = {key.public_key()};
    EXPECT_EQ(judge(certificate).verdict, Verdict::Refused);
    EXPECT_EQ(judge(key.public_key().blob()).verdict, Verdict::Refused);
    target.trust_first_use = true;
    target.host_keys.clear();
    target.host_ca.clear();
    EXPECT_EQ(judge(key.public_key().blob()).verdict, Verdict::Refused);
    revocation = {.revocation_unknown = true};
    EXPECT_NE(judge(other.public_key().blob()).text.find("cannot be read"), std::string::npos);
}

TEST_F(HostKeys, KnownKindsAreAskedForFirst) {
    const std::vector<std::string> all{
        "ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512"};
    target.host_keys = {other.public_key().line()};
    EXPECT_EQ(preferred_host_key_algorithms(target, {}, all).front(), "ecdsa-sha2-nistp256");
    target.host_ca = {ca.public_key().line()};
    EXPECT_EQ(preferred_host_key_algorithms(target, {}, all).front(), "ssh-ed25519-cert-v01@openssh.com");
    EXPECT_EQ(preferred_host_key_algorithms(target, {}, all).size(), all.size());
}

TEST(RefusalBudget, BoundsASecondAndCountsTheRest) {
    RefusalBudget budget;
    const TimePoint start{std::chrono::hours(1)};
    for (unsigned i = 0; i < RefusalBudget::kPerSecond; ++i) EXPECT_TRUE(budget.permit(start));
    EXPECT_FALSE(budget.permit(start));
    EXPECT_FALSE(budget.permit(start));
    EXPECT_TRUE(budget.permit(start + std::chrono::seconds(1)));
    EXPECT_NE(budget.left_out().find("2 refusals"), std::string::npos);
    EXPECT_EQ(budget.left_out(), "");
}

TEST(StoreWorker, OneBadJobDoesNotTakeItsNeighboursBack) {
    auto store = std::move(*store::open_store(":memory:", ""));
    int good = 0, bad = 0;
    {
        std::promise<void> hold;
        std::promise<void> holding;
        StoreWorker worker(*store);
        // Blocks the worker, so that the next jobs gather into one transaction.
        worker.submit([&](store::Store&) -> Result<void> { return {}; },
            [&](const Result<void>&) {
                holding.set_value();
                hold.get_future().wait();
            });
        holding.get_future().wait();
        for (int i = 0; i < 5; ++i) {
            worker.submit(
                [i](store::Store& one) -> Result<void> {
                    model::AuditRecord record;
                    record.kind = "test";
                    if (auto kept = one.audit(record); !kept) return kept;
                    return i == 2 ? Result<void>(fail("bad job")) : Result<void>();
                },
                [&](const Result<void>& result) { result ? ++good : ++bad; });
        }
        hold.set_value();
    }
    EXPECT_EQ(good, 4);
    EXPECT_EQ(bad, 1);
    EXPECT_EQ(store->audit_records({.kind = "test"})->size(), 4u);
}

/// A database that goes away and comes back; keeps the kinds of its audit records.
class AwayStore : public store::Store {
public:
    Result<model::Access> access() override { return fail("unused"); }
    Result<std::uint64_t> access_version() override { return fail("unused"); }
    Result<void> replace_access(const model::Access&, const std::vector<model::AuditRecord>&) override {
        return fail("unused");
    }
    Result<void> change_users(const std::vector<model::User>&, const std::vector<std::string>&,
        const std::vector<model::AuditRecord>&) override {
        return fail("unused");
    }
    Result<void> session_started(const model::Session&) override { return fail("unused"); }
    Result<void> session_finished(const model::Session&) override { return fail("unused"); }
    Result<std::vector<model::Session>> close_dangling_sessions(WallTime) override { return fail("unused"); }
    Result<std::vector<model::Session>> sessions(const store::SessionFilter&) override { return fail("unused"); }
    Result<std::optional<model::Session>> session(const std::string&) override { return fail("unused"); }
    Result<void> audit(const model::AuditRecord& record) override {
        if (away) return fail("away");
        kept.push_back(record.kind);
        return {};
    }
    Result<evidence::ChainHead> audit_head() override { return fail("unused"); }
    Result<std::vector<model::AuditRecord>> audit_records(const store::AuditFilter&) override { return fail("unused"); }
    Result<std::vector<store::ActivityHit>> search(const store::ActivityFilter&) override { return fail("unused"); }
    Result<void> record_commands(std::span<const model::CommandRun>) override { return fail("unused"); }
    Result<void> record_file_operations(std::span<const model::FileOperation>) override { return fail("unused"); }
    Result<std::vector<std::string>> learned_host_keys(const std::string&) override { return fail("unused"); }
    Result<void> learn_host_key(const std::string&, const std::string&) override { return fail("unused"); }
    Result<std::vector<model::TargetSecret>> target_secrets(const std::string&) override { return fail("unused"); }
    Result<std::optional<model::TargetSecret>> target_secret(
        const std::string&, const std::string&, model::TargetAuth) override {
        return fail("unused");
    }
    Result<void> set_target_secret(const model::TargetSecret&, const model::AuditRecord&) override { return fail("unused"); }
    Result<bool> remove_target_secret(
        const std::string&, const std::string&, model::TargetAuth, const model::AuditRecord&) override {
        return fail("unused");
    }
    Result<std::vector<model::Shipment>> shipments(const store::ShipmentFilter&) override { return fail("unused"); }
    Result<void> put_shipments(const std::vector<model::Shipment>&, const std::vector<model::AuditRecord>&) override {
        return fail("unused");
    }
    Result<void> together(const std::function<Result<void>()>& work) override {
        ++attempts;
        m_reachable = !away;
        if (away) return fail("away");
        const auto before = kept;
        auto done = work();
        if (!done) kept = before;
        return done;
    }
    Result<void> sync() override {
        ++syncs;
        return {};
    }
    bool unsynced() const override { return true; }
    bool reachable() const override { return m_reachable; }

    std::atomic<bool> away = false;
    std::atomic<int> attempts = 0;
    std::atomic<int> syncs = 0;
    std::vector<std::string> kept;  // of the worker's thread, while there is one

private:
    bool m_reachable = true;
};

model::AuditRecord record_of(const std::string& kind) {
    model::AuditRecord record;
    record.kind = kind;
    return record;
}

TEST(StoreWorker, WhatNobodyWaitsForIsKeptInItsOrderUntilTheStoreIsBack) {
    AwayStore store;
    int answered = 0, failed = 0;
    {
        StoreWorker worker(store);
        store.away = true;
        for (const char* kind : {"1", "2", "3"}) {
            worker.submit([record = record_of(kind)](store::Store& one) { return one.audit(record); },
                [&](const Result<void>& result) { result ? ++answered : ++failed; }, StoreWorker::When::Soon);
        }
        // Who waits is told at once.
        std::promise<bool> told;
        worker.submit([](store::Store& one) { return one.audit(record_of("now")); },
            [&](const Result<void>& result) { told.set_value(result.has_value()); });
        EXPECT_FALSE(told.get_future().get());
        worker.settle();
        EXPECT_EQ(answered + failed, 0);
        const int before = store.attempts;
        // It tries again by itself.
        while (store.attempts < before + 4) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        worker.submit([](store::Store& one) { return one.audit(record_of("4")); }, [](const Result<void>&) {},
            StoreWorker::When::Soon);
        worker.settle();
        store.away = false;
        worker.settle();
    }
    EXPECT_EQ(answered, 3);
    EXPECT_EQ(failed, 0);
    EXPECT_EQ(store.kept, (std::vector<std::string>{"1", "2", "3", "4"}));
}

TEST(StoreWorker, WhatWasWrittenIsSyncedSoonAfterAndAtTheEnd) {
    AwayStore store;
    {
        StoreWorker worker(store);
        worker.audit(record_of("1"));
        while (store.syncs == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        EXPECT_EQ(store.syncs, 1);
        worker.submit([](store::Store& one) { return one.audit(record_of("2")); }, [](const Result<void>&) {});
    }
    EXPECT_EQ(store.syncs, 2);
    EXPECT_EQ(store.kept.size(), 2U);
}

TEST(StoreWorker, AnEndWithoutTheStoreKeepsNobodyWaiting) {
    AwayStore store;
    int failed = 0;
    {
        StoreWorker worker(store);
        store.away = true;
        for (int i = 0; i < 10; ++i) {
            worker.submit([](store::Store& one) { return one.audit(record_of("lost")); },
                [&](const Result<void>& result) { failed += result ? 0 : 1; }, StoreWorker::When::Soon);
        }
        worker.settle();
    }
    EXPECT_EQ(failed, 10);
    EXPECT_TRUE(store.kept.empty());
}

/// Has records to sign.
class ChainStore final : public AwayStore {
public:
    Result<evidence::ChainHead> audit_head() override { return evidence::ChainHead{.sequence = 7}; }
    Result<void> sync() override {
        if (broken) return fail("the disk is broken");
        return AwayStore::sync();
    }
    bool broken = false;
};

// What the keyholder has signed once must be there after a power failure, too.
TEST(Checkpoints, OnlyWhatIsOnTheDiskIsSigned) {
    const auto key = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
    ChainStore store;
    EvidenceLink link;
    ASSERT_TRUE(link.has(key.public_key().blob()));
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    link.adopt(keyholder::Descriptor(ends[0]));
    const keyholder::Descriptor keyholder(ends[1]);
    std::atomic<int> synced_before = -1;
    std::thread asked([&] {
        std::byte byte{};
        if (::recv(keyholder.fd(), &byte, 1, 0) == 1) synced_before = store.syncs.load();
        ::shutdown(keyholder.fd(), SHUT_RDWR);
    });
    Checkpoints checkpoints(link);
    store.broken = true;
    EXPECT_FALSE(checkpoints.sign(store));
    EXPECT_EQ(synced_before, -1);
    store.broken = false;
    EXPECT_TRUE(checkpoints.sign(store));
    asked.join();
    EXPECT_EQ(synced_before, 1);
}

}  // namespace
}  // namespace sekisho::gateway
