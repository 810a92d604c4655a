#include "keyholder/spawner.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <vector>

#include "base/log.h"
#include "keyholder/serve.h"
#include "keyholder/user_ca.h"
#include "sandbox/sandbox.h"

namespace sekisho::keyholder {
namespace {

using namespace std::chrono_literals;

constexpr auto kLongLife = 5s;  // who lived so long is started again at once
constexpr std::chrono::milliseconds kFirstPause = 100ms;
constexpr std::chrono::milliseconds kLongestPause = 30s;

class Spawner {
public:
    Spawner(const SpawnerSettings& settings, Descriptor control, Descriptor files)
        : m_settings(settings), m_control(std::move(control)), m_files(std::move(files)) {}

    [[noreturn]] void run() {
        while (true) {
            const auto began = std::chrono::steady_clock::now();
            if (const auto started = start(); !started) {
                log::error("keyholder.not_started", {{"reason", started.error().full()}});
            } else {
                watch(-1);
                reap();
            }
            const bool lived = std::chrono::steady_clock::now() - began >= kLongLife;
            m_pause = lived ? 0ms : std::clamp(2 * m_pause, kFirstPause, kLongestPause);
            if (lived || m_first_death) {
                m_first_death = false;
                continue;
            }
            watch(static_cast<int>(m_pause.count()));
        }
    }

private:
    Result<void> start() {
        std::vector<Descriptor> ours, theirs;
        for (std::size_t i = 0; i < m_settings.links; ++i) {
            auto ends = socket_pair(SOCK_STREAM);
            if (!ends) return std::unexpected(ends.error());
            ours.push_back(std::move(ends->first));
            theirs.push_back(std::move(ends->second));
        }
        auto life = socket_pair(SOCK_SEQPACKET);
        if (!life) return std::unexpected(life.error());
        m_child = ::fork();
        if (m_child < 0) return fail("the keyholder cannot be forked", std::strerror(errno));
        if (m_child == 0) {
            // Nothing of the spawner's stays open here, least of all the gateway's ends.
            m_control.reset();
            m_files.reset();
            theirs.clear();
            life->first.reset();
            ::prctl(PR_SET_NAME, "sekisho-keys", 0, 0, 0);
            std::vector<int> links;
            for (auto& one : ours) links.push_back(one.fd());
            serve(m_settings.keys, links);
        }
        m_life = std::move(life->first);
        for (auto& one : theirs) {
            // A gateway that is gone shows in watch().
            (void)send_message(m_control.fd(), std::string_view(&kLink, 1), one.fd());
        }
        return {};
    }

    /// Until the keyholder ends, or for so many milliseconds where there is none. Ends the process with the gateway.
    void watch(int milliseconds) {
        while (true) {
            std::array<pollfd, 3> wanted{
                pollfd{m_control.fd(), POLLIN, 0}, pollfd{m_files.fd(), POLLIN, 0}, pollfd{m_life.fd(), POLLIN, 0}};
            const int ready = ::poll(wanted.data(), wanted.size(), milliseconds);
            if (ready < 0 && errno == EINTR) continue;
            if (ready == 0) return;
            if (ready < 0 || wanted[0].revents != 0) end();
            if (wanted[1].revents != 0) hand_over_file();
            if (wanted[2].revents != 0) return m_life.reset();
        }
    }

    void hand_over_file() {
        const auto asked = receive_message(m_files.fd());
        if (!asked || !*asked) end();
        const std::string& path = (*asked)->text;
        const auto readable = m_settings.readable();
        if (std::ranges::find(readable, path) == readable.end()) {
            log::warn("spawner.refused", {{"file", path}});
            return (void)send_message(m_files.fd(), "the configuration does not name it");
        }
        const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
        if (!file.open()) return (void)send_message(m_files.fd(), std::strerror(errno));
        if (is_a_key(file.fd())) return (void)send_message(m_files.fd(), "it is a private key");
        (void)send_message(m_files.fd(), "opened", file.fd());
    }

    /// Under whatever name.
    bool is_a_key(int file) const {
        struct stat opened{};
        if (::fstat(file, &opened) != 0) return true;
        std::vector<std::string> keys = m_settings.keys.host_keys;
        for (auto& path : UserCa::files(m_settings.keys.user_ca)) keys.push_back(std::move(path));
        keys.push_back(m_settings.keys.host_ca);
        keys.push_back(m_settings.keys.wrapping_key);
        keys.push_back(m_settings.keys.evidence);
        return std::ranges::any_of(keys, [&](const std::string& path) {
            struct stat key{};
            return ::stat(path.c_str(), &key) == 0 && key.st_dev == opened.st_dev && key.st_ino == opened.st_ino;
        });
    }

    void reap() {
        int status = 0;
        while (::waitpid(m_child, &status, 0) < 0 && errno == EINTR) {
        }
        m_child = -1;
        std::string how(1, kEnded);
        how += WIFSIGNALED(status) ? "killed by signal " + std::to_string(WTERMSIG(status))
                                   : "ended with status " + std::to_string(WEXITSTATUS(status));
        log::error("keyholder.ended", {{"reason", how.substr(1)}});
        (void)send_message(m_control.fd(), how);
    }

    [[noreturn]] void end() {
        if (m_child > 0) {
            ::kill(m_child, SIGKILL);
            (void)::waitpid(m_child, nullptr, 0);
        }
        ::_exit(0);
    }

    const SpawnerSettings& m_settings;
    Descriptor m_control;
    Descriptor m_files;
    Descriptor m_life;  // readable when the keyholder is gone
    pid_t m_child = -1;
    std::chrono::milliseconds m_pause{};
    bool m_first_death = true;
};

}  // namespace

void spawn_keyholders(const SpawnerSettings& settings, Descriptor control, Descriptor files) {
    ::prctl(PR_SET_NAME, "sekisho-spawner", 0, 0, 0);
    // What ends the gateway ends us when the gateway is done: it needs signatures until then. A terminal and systemd tell all.
    for (const int number : {SIGHUP, SIGINT, SIGTERM, SIGPIPE}) ::signal(number, SIG_IGN);
    sandbox::hide_memory();
    const auto restricted = sandbox::restrict_files({.read = {"/"}, .write = {folder_of_the_ca(settings.keys)}});
    if (!restricted) log::error("keyholder.sandbox", {{"reason", restricted.error().full()}});
    if (const auto calls = sandbox::restrict_calls(sandbox::Calls::Spawner); !calls) {
        log::error("keyholder.sandbox", {{"reason", calls.error().full()}});
    }
    Spawner(settings, std::move(control), std::move(files)).run();
}

}  // namespace sekisho::keyholder
