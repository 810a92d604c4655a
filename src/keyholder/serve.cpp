#include "keyholder/serve.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <latch>
#include <thread>

#include "base/log.h"
#include "base/secret.h"
#include "keyholder/messages.h"
#include "keyholder/send_all.h"
#include "sandbox/sandbox.h"

namespace sekisho::keyholder {
namespace {

/// Leaves nothing behind where it has to grow.
void append(Bytes& to, BytesView more) {
    if (to.size() + more.size() > to.capacity()) {
        Bytes larger;
        larger.reserve(std::max(2 * to.capacity(), to.size() + more.size()));
        larger.assign(to.begin(), to.end());
        base::wipe(to);
        to.swap(larger);
    }
    to.insert(to.end(), more.begin(), more.end());
}

/// Whatever asks for something outside the bounds is also told of here, where the gateway cannot keep it back.
Bytes answered(const Keyring& keys, BytesView payload) {
    auto request = decode_request(payload);
    Reply reply{ticket_of(payload), {}};
    reply.answer =
        request ? keys.answer(request->request, std::chrono::system_clock::now()) : std::unexpected(request.error());
    if (!reply.answer) log::warn_limited("keyholder.refused", {{"reason", reply.answer.error().full()}});
    Bytes frame = encode(reply);
    if (reply.answer) base::wipe(*reply.answer);  // it may be a password
    return frame;
}

/// Of all files only the user CA's folder stays, where its next key is made; without Landlock none does.
sandbox::Calls sandbox_before_threads(const KeyFiles& keys) {
    sandbox::hide_memory();
    if (!sandbox::lock_memory()) {
        log::warn("keyholder.memory_not_locked", {{"reason", "RLIMIT_MEMLOCK is too low; keys could be written to swap"}});
    }
    const auto files = sandbox::restrict_files({.write = {folder_of_the_ca(keys)}});
    if (!files) log::error("keyholder.sandbox", {{"reason", files.error().full()}});
    return files.value_or(false) ? sandbox::Calls::KeyholderWithFolder : sandbox::Calls::Keyholder;
}

}  // namespace

std::string serve_link(const Keyring& keys, int link) {
    Bytes buffer(2 * (kFrameHeader + kMostRequest));
    std::size_t have = 0;
    while (true) {
        const ssize_t n = ::recv(link, buffer.data() + have, buffer.size() - have, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return std::string("recv: ") + std::strerror(errno);
        if (n == 0) return "the gateway hung up";
        have += static_cast<std::size_t>(n);
        Bytes replies;
        std::size_t used = 0;
        while (true) {
            const auto frame = next_frame(BytesView(buffer).subspan(used, have - used), kMostRequest);
            if (!frame) {
                log::warn("keyholder.refused", {{"reason", frame.error().full()}});
                (void)send_all(link, encode(Reply{0, std::unexpected(frame.error())}));
                return frame.error().full();
            }
            if (!*frame) break;
            Bytes reply = answered(keys, **frame);
            append(replies, reply);
            base::wipe(reply);
            used += kFrameHeader + (*frame)->size();
        }
        const bool written = send_all(link, replies);
        base::wipe(replies);
        if (!written) return "the gateway does not read";
        std::memmove(buffer.data(), buffer.data() + used, have - used);
        have -= used;
    }
}

void serve(const KeyFiles& files, const std::vector<int>& links) {
    const auto keys = Keyring::load(files);
    if (!keys) {
        for (const int link : links) (void)send_all(link, encode(std::unexpected(keys.error())));
        ::_exit(1);
    }
    const auto permitted = sandbox_before_threads(files);
    std::latch confined(1);
    std::vector<std::thread> threads;
    for (const int link : links) {
        threads.emplace_back([&keys, &confined, link] {
            confined.wait();
            const std::string why = serve_link(*keys, link);
            log::debug("keyholder.over", {{"reason", why}});
            ::_exit(0);
        });
    }
    if (const auto calls = sandbox::restrict_calls(permitted); !calls) {
        log::error("keyholder.sandbox", {{"reason", calls.error().full()}});
        for (const int link : links) (void)send_all(link, encode(std::unexpected(calls.error())));
        ::_exit(1);
    }
    const Bytes hello = encode(Result<PublicParts>(keys->public_parts()));
    for (const int link : links) {
        if (!send_all(link, hello)) ::_exit(1);
    }
    confined.count_down();
    for (auto& thread : threads) thread.join();
    ::_exit(0);
}

}  // namespace sekisho::keyholder
