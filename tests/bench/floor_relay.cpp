// floor_relay: the least CPU that any relay of two encrypted connections can cost with OpenSSL and plain sockets.
// Three processes: a source seals 32 KiB records into a TCP connection, the relay opens each and seals it again into a
// second one, a sink opens and checks them. Only the CPU of the relay process is counted. Records look like SSH's
// AES-GCM packets (RFC 5647: a 4-byte length as associated data, a 16-byte tag), without their padding.
// Called by bench.py; prints one JSON object. With --copy-only the relay moves the bytes without opening or sealing.

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>

namespace {

constexpr std::size_t payload_size = 32 * 1024;
constexpr std::size_t length_size = 4;
constexpr std::size_t tag_size = 16;
constexpr std::size_t record_size = length_size + payload_size + tag_size;
constexpr std::size_t read_size = 256 * 1024;

[[noreturn]] void fail(const std::string& what) {
    throw std::runtime_error(what);
}

void check(bool good, const char* what) {
    if (!good) {
        fail(what);
    }
}

// One direction's AES-128-GCM with a counting nonce; the context is set up once, as a good relay does.
class Aead {
public:
    Aead(unsigned char key_byte, bool sealing) : m_context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free), m_sealing(sealing) {
        std::array<unsigned char, 16> key{};
        key.fill(key_byte);
        const int started = EVP_CipherInit_ex(m_context.get(), EVP_aes_128_gcm(), nullptr, key.data(), nullptr, sealing);
        check(started == 1, "init");
    }

    // `from` and `to` are whole records and may be the same.
    void run(const unsigned char* from, unsigned char* to) {
        next_nonce();
        auto* context = m_context.get();
        int written = 0;
        check(EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, m_nonce.data(), -1) == 1, "nonce");
        check(EVP_CipherUpdate(context, nullptr, &written, from, length_size) == 1, "associated data");
        check(EVP_CipherUpdate(context, to + length_size, &written, from + length_size, payload_size) == 1, "cipher");
        if (!m_sealing) {
            std::array<unsigned char, tag_size> tag{};
            std::memcpy(tag.data(), from + length_size + payload_size, tag_size);
            check(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, tag_size, tag.data()) == 1, "tag");
        }
        std::array<unsigned char, 16> rest{};
        check(EVP_CipherFinal_ex(context, rest.data(), &written) == 1, "a record does not authenticate");
        if (m_sealing) {
            std::memcpy(to, from, length_size);
            check(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, tag_size, to + length_size + payload_size) == 1, "tag");
        }
    }

private:
    void next_nonce() {
        for (std::size_t i = m_nonce.size(); i-- > 4 && ++m_nonce[i] == 0;) {
        }
    }

    std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> m_context;
    std::array<unsigned char, 12> m_nonce{};
    bool m_sealing;
};

class Socket {
public:
    explicit Socket(int fd) : m_fd(fd) { check(fd >= 0, std::strerror(errno)); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket() { ::close(m_fd); }
    int fd() const { return m_fd; }

private:
    int m_fd;
};

sockaddr_in loopback() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

void listen_on_loopback(const Socket& socket, sockaddr_in& address) {
    address = loopback();
    socklen_t size = sizeof address;
    check(::bind(socket.fd(), reinterpret_cast<const sockaddr*>(&address), size) == 0, "bind");
    check(::listen(socket.fd(), 1) == 0, "listen");
    check(::getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
}

void connect_to(const Socket& socket, const sockaddr_in& address) {
    check(::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "connect");
    const int on = 1;
    check(::setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "TCP_NODELAY");
}

void write_all(const Socket& socket, std::span<const unsigned char> bytes) {
    while (!bytes.empty()) {
        const auto written = ::write(socket.fd(), bytes.data(), bytes.size());
        check(written > 0, "write");
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
}

// Reads up to read_size at a time, hands every complete record to `on_records` as one block, and keeps the rest.
template <typename OnRecords>
void read_records(const Socket& socket, std::uint64_t records, OnRecords on_records) {
    std::vector<unsigned char> buffer(read_size + record_size);
    std::size_t held = 0;
    while (records > 0) {
        const auto got = ::read(socket.fd(), buffer.data() + held, read_size);
        check(got > 0, "the stream ended early");
        held += static_cast<std::size_t>(got);
        const std::size_t complete = held / record_size;
        on_records(std::span(buffer.data(), complete * record_size));
        records -= complete;
        held -= complete * record_size;
        std::memmove(buffer.data(), buffer.data() + complete * record_size, held);
    }
}

void source(const sockaddr_in& relay, std::uint64_t records) {
    Socket socket(::socket(AF_INET, SOCK_STREAM, 0));
    connect_to(socket, relay);
    Aead seal('a', true);
    std::vector<unsigned char> plain(record_size);
    std::vector<unsigned char> sealed(record_size);
    const std::uint32_t length = htonl(payload_size);
    std::memcpy(plain.data(), &length, length_size);
    for (std::uint64_t i = 0; i < records; ++i) {
        seal.run(plain.data(), sealed.data());
        write_all(socket, sealed);
    }
}

void sink(const Socket& listener, std::uint64_t records, bool copy_only) {
    Socket socket(::accept(listener.fd(), nullptr, nullptr));
    Aead open(copy_only ? 'a' : 'b', false);
    read_records(socket, records, [&](std::span<unsigned char> block) {
        for (std::size_t at = 0; at < block.size(); at += record_size) {
            open.run(block.data() + at, block.data() + at);
        }
    });
}

// The measured part. Opens in place and seals straight into the output: no copy that a relay could save.
void relay(const Socket& from, const Socket& to, std::uint64_t records, bool copy_only) {
    Aead open('a', false);
    Aead seal('b', true);
    std::vector<unsigned char> out(read_size + record_size);
    read_records(from, records, [&](std::span<unsigned char> block) {
        if (copy_only) {
            write_all(to, block);
            return;
        }
        for (std::size_t at = 0; at < block.size(); at += record_size) {
            open.run(block.data() + at, block.data() + at);
            seal.run(block.data() + at, out.data() + at);
        }
        write_all(to, std::span(out).first(block.size()));
    });
}

double cpu_seconds() {
    timespec now{};
    check(::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0, "clock_gettime");
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

template <typename Work>
pid_t in_child(Work work) {
    const pid_t child = ::fork();
    check(child >= 0, "fork");
    if (child > 0) {
        return child;
    }
    try {
        work();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "floor_relay: %s\n", error.what());
        ::_exit(1);
    }
    ::_exit(0);
}

void expect_success(pid_t child) {
    int status = 0;
    check(::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0, "source or sink failed");
}

void measure(std::uint64_t records, bool copy_only) {
    Socket relay_listener(::socket(AF_INET, SOCK_STREAM, 0));
    Socket sink_listener(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in relay_address{};
    sockaddr_in sink_address{};
    listen_on_loopback(relay_listener, relay_address);
    listen_on_loopback(sink_listener, sink_address);
    const pid_t source_process = in_child([&] { source(relay_address, records); });
    const pid_t sink_process = in_child([&] { sink(sink_listener, records, copy_only); });
    Socket to(::socket(AF_INET, SOCK_STREAM, 0));
    connect_to(to, sink_address);
    Socket from(::accept(relay_listener.fd(), nullptr, nullptr));

    const double before = cpu_seconds();
    relay(from, to, records, copy_only);
    const double used = cpu_seconds() - before;

    expect_success(source_process);
    expect_success(sink_process);
    const double bytes = static_cast<double>(records * payload_size);
    std::printf("{\"bytes\": %.0f, \"cpu_s\": %.6f, \"cpu_s_per_gb\": %.6f}\n", bytes, used, used / bytes * 1e9);
}

}  // namespace

int main(int argc, char** argv) {
    bool copy_only = false;
    std::uint64_t megabytes = 1000;
    for (int i = 1; i < argc; ++i) {
        if (std::string_view(argv[i]) == "--copy-only") {
            copy_only = true;
        } else if (megabytes = std::strtoull(argv[i], nullptr, 10); megabytes == 0 || megabytes > 1'000'000) {
            std::fprintf(stderr, "usage: floor_relay [--copy-only] [MEGABYTES]\n");
            return 2;
        }
    }
    try {
        measure(megabytes * 1'000'000 / payload_size + 1, copy_only);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "floor_relay: %s\n", error.what());
        return 1;
    }
    return 0;
}
