// What the shipping tests share: a bucket and books in memory that fail as they are told, a folder of real recordings, and a clock.
#pragma once

#include <gmock/gmock.h>

#include <map>
#include <random>
#include <set>

#include "keys/private_key.h"
#include "recording/folder.h"
#include "shipping/shipper.h"
#include "tests/unit/recording/fixture.h"

namespace sekisho::shipping::testing {

class FakeBucket final : public Bucket {
public:
    std::map<std::string, std::string> objects;
    struct Begun {
        std::string key;
        std::map<unsigned, std::string> parts;
    };
    std::map<std::string, Begun> begun;  // by id
    std::set<std::string> refused;  // keys whose put is refused
    bool down = false;
    int calls_left = -1;  // then it goes down
    int puts = 0;
    int part_puts = 0;
    std::function<void(std::string& content)> on_read;  // changes what is read back

    const std::string& prefix() const override { return m_prefix; }

    Result<void> look(const std::vector<std::string>& keys, const Looked& take) override {
        for (std::size_t i = 0; i < keys.size(); ++i) {
            if (auto up = call(); !up) return up;
            const auto found = objects.find(keys[i]);
            take(i, found == objects.end() ? std::nullopt : std::optional<std::uint64_t>(found->second.size()));
        }
        return {};
    }
    Result<void> put(const std::vector<std::string>& keys, const std::vector<std::string>& bodies, const Done& done) override {
        for (std::size_t i = 0; i < keys.size(); ++i) {
            if (auto up = call(); !up) return up;
            if (refused.contains(keys[i])) {
                done(i, fail("the object cannot be put", "status 403"));
                continue;
            }
            ++puts;
            objects[keys[i]] = bodies[i];
            done(i, {});
        }
        return {};
    }
    Result<void> get(const std::vector<std::string>& keys, std::size_t most, const Take& take) override {
        for (std::size_t i = 0; i < keys.size(); ++i) {
            auto content = read(keys[i], 0, most);
            if (!content && down) return std::unexpected(content.error());
            take(i, std::move(content));
        }
        return {};
    }
    Result<std::string> read(const std::string& key, std::uint64_t offset, std::size_t most) override {
        if (auto up = call(); !up) return std::unexpected(up.error());
        const auto found = objects.find(key);
        if (found == objects.end()) return fail("the object cannot be read", "status 404");
        std::string content = offset >= found->second.size() ? "" : found->second.substr(offset, most);
        if (on_read) on_read(content);
        return content;
    }
    Result<std::vector<Object>> list(const std::string& below) override {
        if (auto up = call(); !up) return std::unexpected(up.error());
        std::vector<Object> all;
        for (const auto& [key, content] : objects) {
            if (key.starts_with(m_prefix + below)) all.push_back({key, content.size()});
        }
        return all;
    }
    Result<void> remove(const std::string& key) override {
        if (auto up = call(); !up) return up;
        objects.erase(key);
        return {};
    }

    Result<std::vector<Upload>> uploads(const std::string& key) override {
        if (auto up = call(); !up) return std::unexpected(up.error());
        std::vector<Upload> all;
        for (const auto& [id, one] : begun) {
            if (one.key == key) all.push_back({key, id});
        }
        return all;
    }
    Result<std::string> begin(const std::string& key) override {
        if (auto up = call(); !up) return std::unexpected(up.error());
        const std::string id = "upload" + std::to_string(++m_ids);
        begun[id].key = key;
        return id;
    }
    Result<std::vector<Part>> parts(const Upload& upload) override {
        if (auto up = call(); !up) return std::unexpected(up.error());
        std::vector<Part> all;
        for (const auto& [number, body] : begun.at(upload.id).parts) all.push_back({number, body.size(), "tag" + std::to_string(number)});
        return all;
    }
    Result<std::string> put_part(const Upload& upload, unsigned number, std::string body) override {
        if (auto up = call(); !up) return std::unexpected(up.error());
        ++part_puts;
        begun.at(upload.id).parts[number] = std::move(body);
        return "tag" + std::to_string(number);
    }
    Result<void> complete(const Upload& upload, const std::vector<Part>& parts) override {
        if (auto up = call(); !up) return up;
        std::string whole;
        for (const Part& part : parts) whole += begun.at(upload.id).parts.at(part.number);
        objects[upload.key] = std::move(whole);
        begun.erase(upload.id);
        return {};
    }
    Result<void> abort(const Upload& upload) override {
        if (auto up = call(); !up) return up;
        begun.erase(upload.id);
        return {};
    }
    void stop() override { down = true; }

private:
    Result<void> call() {
        if (calls_left == 0) down = true;
        if (calls_left > 0) --calls_left;
        return down ? fail("the server cannot be asked") : Result<void>();
    }

    const std::string m_prefix = "logs/";
    int m_ids = 0;
};

class FakeBooks final : public Books {
public:
    std::map<std::string, model::Shipment> shipments;  // by object
    std::vector<model::AuditRecord> records;
    bool away = false;

    Result<bool> empty() override { return away ? Result<bool>(fail("the store cannot be reached")) : Result<bool>(shipments.empty()); }
    Result<std::vector<model::Shipment>> here() override {
        return chosen([](const model::Shipment& one) {
            return one.state == model::ShipmentState::Shipped || one.state == model::ShipmentState::Verified;
        });
    }
    Result<std::vector<model::Shipment>> old(WallTime verified_before, std::size_t most) override {
        auto found = chosen([&](const model::Shipment& one) {
            return one.state == model::ShipmentState::Expiring ||
                   (one.state == model::ShipmentState::Removed && *one.verified < verified_before);
        });
        if (found && found->size() > most) found->resize(most);
        return found;
    }
    Result<void> keep(const std::vector<model::Shipment>& put, const std::vector<model::AuditRecord>& more) override {
        if (away) return fail("the store cannot be reached");
        for (const model::Shipment& one : put) shipments.insert_or_assign(one.object, one);
        records.insert(records.end(), more.begin(), more.end());
        return {};
    }
    std::vector<std::string> subjects(std::string_view kind) const {
        std::vector<std::string> all;
        for (const auto& one : records) {
            if (one.kind == kind) all.push_back(one.subject);
        }
        return all;
    }

private:
    Result<std::vector<model::Shipment>> chosen(const std::function<bool(const model::Shipment&)>& wanted) {
        if (away) return fail("the store cannot be reached");
        std::vector<model::Shipment> all;
        for (const auto& [object, one] : shipments) {
            if (wanted(one)) all.push_back(one);
        }
        return all;
    }
};

/// Signs as a keyholder does, unless it is away.
struct Signer {
    keys::PrivateKey key = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
    std::atomic<bool> away = false;

    recording::EndSigner signer() {
        return {key.public_key().fingerprint(),
            [this](const evidence::Digest& root, std::uint32_t count) -> Result<evidence::Signed<evidence::RecordingsRoot>> {
                if (away) return fail("there is no keyholder");
                const evidence::RecordingsRoot said{count, root, base::from_unix_milliseconds(1'795'324'560'000)};
                return evidence::Signed<evidence::RecordingsRoot>{said, key.public_key().fingerprint(),
                    *evidence::raw_signature(*key.sign("ssh-ed25519", evidence::message(said)))};
            }};
    }
};

class ShippingTest : public ::testing::Test {
protected:
    ShippingTest() { m_settings.folder = m_folder.path(); }

    /// A recording that ended, with about so many bytes that nobody can compress; its audit key.
    std::string recorded(const std::string& user, std::size_t bytes = 100) {
        const auto recordings = recording::make_recordings(m_folder.path());
        recording::testing::Session session(*recordings, facts(user));
        write(session, bytes);
        EXPECT_TRUE(session.finish());
        return session.key;
    }
    recording::SessionFacts facts(const std::string& user) {
        recording::SessionFacts facts = recording::testing::facts_of(user);
        facts.session = "session" + std::to_string(++m_sessions);
        return facts;
    }
    void write(recording::testing::Session& session, std::size_t bytes) {
        const TimePoint now = std::chrono::steady_clock::now();
        session->channel_opened({1, "session", "ubuntu@web1", "", model::RecordLevel::Full}, now);
        while (bytes > 0) {
            Bytes text(std::min<std::size_t>(bytes, 60'000));
            for (std::byte& byte : text) byte = static_cast<std::byte>(m_random());
            session->data(1, recording::Stream::Output, text, now);
            bytes -= text.size();
        }
    }
    Result<bool> pass() { return m_shipper->pass(m_settings); }
    /// As after a start: what was in memory is gone.
    void restart() { m_shipper = make(); }

    std::string path(const std::string& key) const { return recording::testing::path_in(m_folder.path(), key); }
    std::string content(const std::string& key) const {
        return std::string(base::text_view(recording::testing::file_bytes(path(key))));
    }
    bool here(const std::string& key) const { return std::filesystem::exists(path(key)); }
    /// The object of an audit key; fails where it has more than one, or none.
    std::string object(const std::string& key) {
        std::string found;
        for (const auto& [name, ignored] : m_bucket.objects) {
            const auto parsed = parse_object_name("logs/", name);
            if (!parsed || parsed->audit_key != key) continue;
            EXPECT_EQ(found, "") << "two names for " << key;
            found = name;
        }
        EXPECT_NE(found, "") << key;
        return found;
    }
    const model::Shipment& shipment(const std::string& key) { return m_books.shipments.at(object(key)); }

    recording::testing::TemporaryFolder m_folder;
    FakeBucket m_bucket;
    FakeBooks m_books;
    WallTime m_now = std::chrono::system_clock::now();
    std::vector<bool> m_full;
    ShipSettings m_settings;

private:
    std::unique_ptr<Shipper> make() {
        return std::make_unique<Shipper>(m_bucket, m_books, [this] { return m_now; }, [this](bool full) { m_full.push_back(full); });
    }

    std::unique_ptr<Shipper> m_shipper = make();
    std::minstd_rand m_random{1};
    int m_sessions = 0;
};

}  // namespace sekisho::shipping::testing
