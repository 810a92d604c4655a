#include "keyholder/process.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "keyholder/messages.h"

namespace sekisho::keyholder {
namespace {

constexpr timeval kPatience{30, 0};

/// Nothing follows the greeting before a request is made, so it may be read until its end.
Result<PublicParts> greeting(int link) {
    Bytes bytes;
    (void)::setsockopt(link, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    while (true) {
        const auto frame = next_frame(bytes, kMostHello);
        if (!frame) return std::unexpected(frame.error());
        if (*frame) return decode_hello(**frame);
        const std::size_t have = bytes.size();
        bytes.resize(have + 16 * 1024);
        const ssize_t n = ::recv(link, bytes.data() + have, bytes.size() - have, 0);
        if (n < 0 && errno != EINTR) return fail("the keyholder cannot be heard", std::strerror(errno));
        if (n == 0) return fail("the keyholder ended before it began");
        bytes.resize(have + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    }
}

Result<PublicParts> greetings(const Links& links) {
    Result<PublicParts> first = fail("the keyholder has no links");
    for (const auto& link : links) {
        auto parts = greeting(link.fd());
        if (!parts) return parts;
        if (&link == &links.front()) first = std::move(parts);
    }
    return first;
}

}  // namespace

Result<std::unique_ptr<Process>> Process::start(const SpawnerSettings& settings) {
    auto control = socket_pair(SOCK_SEQPACKET);
    if (!control) return std::unexpected(control.error());
    auto files = socket_pair(SOCK_SEQPACKET);
    if (!files) return std::unexpected(files.error());
    const pid_t spawner = ::fork();
    if (spawner < 0) return fail("the keyholder cannot be started", std::strerror(errno));
    if (spawner == 0) {
        control->first.reset();
        files->first.reset();
        spawn_keyholders(settings, std::move(control->second), std::move(files->second));
    }
    control->second.reset();
    files->second.reset();
    std::unique_ptr<Process> process(
        new Process(std::move(control->first), std::move(files->first), spawner, settings.links));
    auto message = receive_message(process->m_control.fd());
    if (!message) return std::unexpected(message.error());
    if (!*message) return fail("the keyholder could not be started");
    auto links = process->receive_links(std::move(**message));
    if (!links) return std::unexpected(links.error());
    auto parts = greetings(*links);
    if (!parts) return std::unexpected(parts.error());
    process->m_links = std::move(*links);
    process->m_public = std::move(*parts);
    return process;
}

Process::Process(Descriptor control, Descriptor files, pid_t spawner, std::size_t links)
    : m_control(std::move(control)), m_files(std::move(files)), m_spawner(spawner), m_link_count(links) {}

Process::~Process() {
    m_control.reset();
    m_files.reset();
    while (::waitpid(m_spawner, nullptr, 0) < 0 && errno == EINTR) {
    }
}

Result<Links> Process::receive_links(Message first) {
    Links links;
    for (Message message = std::move(first);;) {
        if (message.text != std::string_view(&kLink, 1) || !message.descriptor.open()) {
            return fail("the keyholder's links did not come");
        }
        links.push_back(std::move(message.descriptor));
        if (links.size() == m_link_count) return links;
        auto next = receive_message(m_control.fd());
        if (!next) return std::unexpected(next.error());
        if (!*next) return fail("the spawner ended");
        message = std::move(**next);
    }
}

Process::News Process::next() {
    auto message = receive_message(m_control.fd());
    if (!message || !*message) return {};
    if ((*message)->text.starts_with(kEnded)) return {News::Kind::Ended, {}, {}, (*message)->text.substr(1)};
    auto links = receive_links(std::move(**message));
    if (!links) return {News::Kind::Ended, {}, {}, links.error().full()};
    const auto parts = greetings(*links);
    if (!parts) return {News::Kind::Ended, {}, {}, parts.error().full()};
    // Live sessions know the old host keys, and an index into them.
    if (parts->host_keys != m_public.host_keys || parts->evidence != m_public.evidence) {
        return {News::Kind::Ended, {}, {}, "the key files have changed since the gateway started; restart it to use them"};
    }
    return {News::Kind::Started, std::move(*links), parts->user_ca, {}};
}

void Process::hang_up() { (void)::shutdown(m_control.fd(), SHUT_RDWR); }

Result<std::string> Process::read_file(const std::string& path, std::size_t most) {
    const std::lock_guard lock(m_files_mutex);
    if (auto asked = send_message(m_files.fd(), path); !asked) return std::unexpected(asked.error());
    auto answer = receive_message(m_files.fd());
    if (!answer) return std::unexpected(answer.error());
    if (!*answer) return fail(path + " cannot be opened", "the spawner is gone");
    const Descriptor file = std::move((*answer)->descriptor);
    if (!file.open()) return fail(path + " cannot be opened", (*answer)->text);
    std::string text;
    std::array<char, 65536> block;
    while (true) {
        const ssize_t n = ::read(file.fd(), block.data(), block.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(path + " cannot be read", std::strerror(errno));
        if (n == 0) return text;
        text.append(block.data(), static_cast<std::size_t>(n));
        if (text.size() > most) return fail(path + " is longer than " + std::to_string(most) + " bytes");
    }
}

}  // namespace sekisho::keyholder
