#include "ssh/msg_kex_group.h"

#include "ssh/message_numbers.h"
#include "wire/reader.h"
#include "wire/writer.h"

namespace sekisho::ssh {

namespace limits = wire::limits;

namespace {

constexpr std::size_t kNumberMost = limits::kGroupBitsMost / 8 + 1;

/// An mpint's contents without the zero that its sign wants.
Bytes magnitude(BytesView contents) {
    if (!contents.empty() && contents.front() == std::byte{0}) contents = contents.subspan(1);
    return base::to_bytes(contents);
}

}  // namespace

Bytes encode(const KexGroupRequest& message) {
    return wire::Writer()
        .byte(static_cast<std::uint8_t>(Message::KexGroupRequest))
        .u32(message.least)
        .u32(message.wanted)
        .u32(message.most)
        .take();
}

Result<KexGroupRequest> decode_kex_group_request(BytesView payload) {
    wire::Reader in(payload);
    in.byte();
    KexGroupRequest message;
    message.least = in.u32();
    message.wanted = in.u32();
    message.most = in.u32();
    if (auto done = in.finish("group request"); !done) return std::unexpected(done.error());
    if (message.least > message.wanted || message.wanted > message.most) return fail("a group request of sizes out of order");
    return message;
}

Bytes encode_kex_group(const crypto::DiffieHellmanGroup& group) {
    return wire::Writer().byte(static_cast<std::uint8_t>(Message::KexGroup)).mpint(group.prime).mpint(group.generator).take();
}

Result<crypto::DiffieHellmanGroup> decode_kex_group(BytesView payload) {
    wire::Reader in(payload);
    in.byte();
    crypto::DiffieHellmanGroup group;
    group.prime = magnitude(in.mpint(kNumberMost));
    group.generator = magnitude(in.mpint(kNumberMost));
    return in.finish_with("group", std::move(group));
}

Bytes kex_group_for_hash(const KexGroupRequest& request, const crypto::DiffieHellmanGroup& group) {
    return wire::Writer()
        .u32(request.least)
        .u32(request.wanted)
        .u32(request.most)
        .mpint(group.prime)
        .mpint(group.generator)
        .take();
}

}  // namespace sekisho::ssh
