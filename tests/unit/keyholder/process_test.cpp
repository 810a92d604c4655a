// Spawner and keyholder as processes: their start, requests over real links, hostile bytes, death and restart.
#include "keyholder/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "keyholder/messages.h"
#include "keys/private_key.h"
#include "wire/writer.h"

namespace sekisho::keyholder {
namespace {

using testing::HasSubstr;
using Kind = Process::News::Kind;

class KeyholderProcess : public testing::Test {
protected:
    KeyholderProcess() {
        std::string name = (std::filesystem::temp_directory_path() / "sekisho-keyholder-XXXXXX").string();
        m_folder = ::mkdtemp(name.data());
        EXPECT_TRUE(keys::save_private_key(m_folder + "/host", m_host, "").has_value());
        EXPECT_TRUE(
            keys::save_private_key(m_folder + "/ca", keys::PrivateKey::generate(keys::KeyKind::Ed25519), "").has_value());
        std::ofstream(m_folder + "/sekisho.toml") << "as it is";
        m_settings.keys = {{m_folder + "/host"}, m_folder + "/ca"};
        m_settings.links = 2;
        m_settings.readable = [this] {
            return std::vector{m_folder + "/sekisho.toml", m_folder + "/link", m_folder + "/host"};
        };
    }
    ~KeyholderProcess() override { std::filesystem::remove_all(m_folder); }

    void start() {
        auto started = Process::start(m_settings);
        ASSERT_TRUE(started.has_value()) << started.error().full();
        m_process = std::move(*started);
        m_links = m_process->take_links();
        ASSERT_EQ(m_links.size(), 2u);
    }

    static void send(int link, BytesView bytes) {
        ASSERT_EQ(::send(link, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
    }

    /// The next reply on a link; an Error where it ended.
    static Result<Reply> receive(int link) {
        Bytes bytes;
        while (true) {
            const auto frame = next_frame(bytes, kMostReply);
            if (frame && *frame) return decode_reply(**frame);
            std::byte one{};
            if (::recv(link, &one, 1, 0) != 1) return fail("the link ended");
            bytes.push_back(one);
        }
    }

    Result<Bytes> ask(int link, const Request& request) {
        send(link, encode(++m_ticket, request));
        auto reply = receive(link);
        if (!reply) return std::unexpected(reply.error());
        EXPECT_EQ(reply->ticket, m_ticket);
        return std::move(reply->answer);
    }

    void signs(int link) {
        const Bytes hash(32, std::byte{1});
        const auto signature = ask(link, SignExchange{0, "ssh-ed25519", hash});
        ASSERT_TRUE(signature.has_value()) << signature.error().full();
        EXPECT_TRUE(m_host.public_key().verify("ssh-ed25519", hash, *signature).has_value());
    }

    static pid_t child_of(pid_t parent) {
        for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
            std::ifstream file(entry.path() / "stat");
            std::string text;
            if (!std::getline(file, text)) continue;
            int found = 0;
            if (std::sscanf(text.c_str() + text.rfind(')') + 1, " %*c %d", &found) == 1 && found == parent) {
                return std::stoi(entry.path().filename());
            }
        }
        return 0;
    }
    static pid_t spawner() { return child_of(::getpid()); }
    static pid_t keyholder() { return child_of(spawner()); }

    void restarted() {
        const auto ended = m_process->next();
        EXPECT_EQ(ended.kind, Kind::Ended) << ended.text;
        auto news = m_process->next();
        ASSERT_EQ(news.kind, Kind::Started) << news.text;
        m_links = std::move(news.links);
        ASSERT_EQ(m_links.size(), 2u);
    }

    std::string m_folder;
    keys::PrivateKey m_host = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
    SpawnerSettings m_settings;
    std::unique_ptr<Process> m_process;
    Links m_links;
    std::uint64_t m_ticket = 0;
};

TEST_F(KeyholderProcess, SignsOnEveryLinkAndAnswersWhatCameTogether) {
    start();
    ASSERT_EQ(m_process->public_parts().host_keys.size(), 1u);
    EXPECT_EQ(m_process->public_parts().host_keys[0].blob, base::to_bytes(m_host.public_key().blob()));
    for (const auto& link : m_links) signs(link.fd());
    Bytes many;
    for (std::uint64_t ticket = 100; ticket < 200; ++ticket) {
        const Bytes one = encode(ticket, SignExchange{0, "ssh-ed25519", Bytes(32)});
        many.insert(many.end(), one.begin(), one.end());
    }
    for (std::size_t at = 0; at < many.size(); at += 97) {  // in pieces that end nowhere in particular
        send(m_links[0].fd(), BytesView(many).subspan(at, std::min<std::size_t>(97, many.size() - at)));
    }
    for (std::uint64_t ticket = 100; ticket < 200; ++ticket) EXPECT_EQ(receive(m_links[0].fd())->ticket, ticket);
}

TEST_F(KeyholderProcess, RefusesAndGoesOn) {
    start();
    CertificateWish wish;
    wish.key = base::to_bytes(keys::PrivateKey::generate(keys::KeyKind::Ed25519).public_key().blob());
    wish.principals = {"root"};
    wish.ahead = std::chrono::hours(1);
    EXPECT_THAT(ask(m_links[0].fd(), wish).error().text, HasSubstr("at most 60 s ahead"));
    send(m_links[0].fd(), wire::Writer().string(wire::Writer().u64(77).byte(200).take()).take());
    const auto reply = receive(m_links[0].fd());
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(reply->ticket, 77u);
    EXPECT_FALSE(reply->answer.has_value());
    signs(m_links[0].fd());
}

TEST_F(KeyholderProcess, BytesThatAreNoFramesEndItAndAnotherBegins) {
    start();
    send(m_links[1].fd(), Bytes(64, std::byte{0xff}));
    const auto reply = receive(m_links[1].fd());
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(reply->ticket, 0u);
    EXPECT_FALSE(receive(m_links[0].fd()).has_value());
    restarted();
    for (const auto& link : m_links) signs(link.fd());
}

TEST_F(KeyholderProcess, IsStartedAgainWhenItIsKilled) {
    start();
    for (int i = 0; i < 2; ++i) {
        ASSERT_EQ(::kill(keyholder(), SIGKILL), 0);
        restarted();
        signs(m_links[0].fd());
    }
}

TEST_F(KeyholderProcess, OtherKeysAfterARestartAreNotUsed) {
    start();
    for (const char* file : {"/host", "/host.pub"}) std::filesystem::remove(m_folder + file);
    ASSERT_TRUE(
        keys::save_private_key(m_folder + "/host", keys::PrivateKey::generate(keys::KeyKind::Ed25519), "").has_value());
    ASSERT_EQ(::kill(keyholder(), SIGKILL), 0);
    EXPECT_THAT(m_process->next().text, HasSubstr("signal 9"));
    const auto news = m_process->next();
    EXPECT_EQ(news.kind, Kind::Ended);
    EXPECT_THAT(news.text, HasSubstr("key files have changed"));
}

TEST_F(KeyholderProcess, SaysWhyItCannotBegin) {
    m_settings.keys.user_ca = m_folder + "/none";
    const auto started = Process::start(m_settings);
    ASSERT_FALSE(started.has_value());
    EXPECT_THAT(started.error().text, HasSubstr("CA key: "));
    std::filesystem::permissions(m_folder + "/host", std::filesystem::perms(0644));
    m_settings.keys.user_ca = m_folder + "/ca";
    EXPECT_THAT(Process::start(m_settings).error().text, HasSubstr("0600"));
}

TEST_F(KeyholderProcess, BothProcessesEndWithTheGateway) {
    start();
    const pid_t keys = keyholder();
    ASSERT_GT(keys, 0);
    m_process.reset();
    EXPECT_EQ(::kill(keys, 0), -1);
    EXPECT_EQ(errno, ESRCH);
    EXPECT_EQ(spawner(), 0);
}

TEST_F(KeyholderProcess, TheSpawnersEndIsToldAndTheKeyholderGoesOn) {
    start();
    ASSERT_EQ(::kill(spawner(), SIGKILL), 0);
    EXPECT_EQ(m_process->next().kind, Kind::Over);
    signs(m_links[0].fd());
}

TEST_F(KeyholderProcess, ReadsFilesAsTheyAreNowIfTheConfigurationNamesThem) {
    start();
    const std::string path = m_folder + "/sekisho.toml";
    std::filesystem::remove(path);
    EXPECT_THAT(m_process->read_file(path, 100).error().full(), HasSubstr("No such file"));
    std::ofstream(path) << "another";
    EXPECT_EQ(m_process->read_file(path, 7).value(), "another");
    EXPECT_THAT(m_process->read_file(path, 6).error().text, HasSubstr("longer than 6 bytes"));
    std::ofstream(m_folder + "/unnamed") << "x";
    EXPECT_THAT(m_process->read_file(m_folder + "/unnamed", 100).error().full(), HasSubstr("does not name it"));
}

TEST_F(KeyholderProcess, KeysAreNotReadWhateverTheConfigurationNames) {
    start();
    std::filesystem::create_symlink(m_folder + "/ca", m_folder + "/link");
    EXPECT_THAT(m_process->read_file(m_folder + "/link", 10'000).error().full(), HasSubstr("private key"));
    EXPECT_THAT(m_process->read_file(m_folder + "/host", 10'000).error().full(), HasSubstr("private key"));
}

TEST_F(KeyholderProcess, HangingUpEndsTheWaiting) {
    start();
    m_process->hang_up();
    EXPECT_EQ(m_process->next().kind, Kind::Over);
}

}  // namespace
}  // namespace sekisho::keyholder
