// A message of a few bytes over a SOCK_SEQPACKET socket pair, with a descriptor where one goes along. Between gateway and spawner.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/result.h"

namespace sekisho::keyholder {

/// Owns a descriptor.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int fd) : m_fd(fd) {}
    Descriptor(Descriptor&& other) noexcept : m_fd(std::exchange(other.m_fd, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        if (this != &other) reset(std::exchange(other.m_fd, -1));
        return *this;
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { reset(); }

    int fd() const { return m_fd; }
    bool open() const { return m_fd >= 0; }
    int release() { return std::exchange(m_fd, -1); }
    void reset(int fd = -1);

private:
    int m_fd = -1;
};

struct Message {
    std::string text;
    Descriptor descriptor;
};

inline constexpr std::size_t kMostMessage = 8192;

/// At most kMostMessage bytes of `text`; `fd` is copied, or -1.
Result<void> send_message(int socket, std::string_view text, int fd = -1);
/// Waits. Nothing when the other end is closed.
Result<std::optional<Message>> receive_message(int socket);
/// SOCK_STREAM or SOCK_SEQPACKET; both ends close on exec.
Result<std::pair<Descriptor, Descriptor>> socket_pair(int type);

}  // namespace sekisho::keyholder
