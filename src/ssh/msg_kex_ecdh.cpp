#include "ssh/msg_kex_ecdh.h"

#include <algorithm>

#include "ssh/message_numbers.h"
#include "wire/reader.h"
#include "wire/writer.h"

namespace sekisho::ssh {

namespace limits = wire::limits;

Bytes encode_kex_ecdh_init(BytesView share, Message number) {
    return wire::Writer().byte(static_cast<std::uint8_t>(number)).string(share).take();
}

Result<BytesView> decode_kex_ecdh_init(BytesView payload) {
    wire::Reader in(payload);
    in.byte();
    const BytesView share = in.string(limits::kShare);
    if (auto done = in.finish("key exchange init"); !done) return std::unexpected(done.error());
    return share;
}

Bytes encode(const KexEcdhReply& message, Message number) {
    return wire::Writer()
        .byte(static_cast<std::uint8_t>(number))
        .string(message.host_key)
        .string(message.share)
        .string(message.signature)
        .take();
}

Result<KexEcdhReply> decode_kex_ecdh_reply(BytesView payload) {
    wire::Reader in(payload);
    in.byte();
    KexEcdhReply message;
    message.host_key = in.string(limits::kKeyBlob);
    message.share = in.string(limits::kShare);
    message.signature = in.string(limits::kSignature);
    if (auto done = in.finish("key exchange reply"); !done) return std::unexpected(done.error());
    return message;
}

Bytes exchange_hash(crypto::HashKind hash, const ExchangeHashInput& input) {
    wire::Writer out;
    out.string(input.client_line).string(input.server_line);
    out.string(input.client_init).string(input.server_init);
    out.string(input.host_key).raw(input.group).string(input.client_share).string(input.server_share);
    return crypto::digest(hash, {out.bytes(), input.secret});
}

Secret encode_shared_secret(const Secret& shared, bool as_string) {
    wire::Writer out;
    if (as_string) {
        out.string(shared.bytes());
    } else {
        out.mpint(shared.bytes());
    }
    Bytes encoded = out.take();
    Secret secret{BytesView(encoded)};
    base::wipe(encoded);
    return secret;
}

Secret derive_key(crypto::HashKind hash, const Secret& encoded_secret, BytesView exchange_hash, char letter, BytesView session_id,
                  std::size_t size) {
    const std::byte letter_byte{static_cast<unsigned char>(letter)};
    Bytes key = crypto::digest(hash, {encoded_secret.bytes(), exchange_hash, BytesView(&letter_byte, 1), session_id});
    while (key.size() < size) {
        Bytes more = crypto::digest(hash, {encoded_secret.bytes(), exchange_hash, key});
        Bytes longer = key;
        longer.insert(longer.end(), more.begin(), more.end());
        base::wipe(more);
        base::wipe(key);
        key = std::move(longer);
    }
    Secret out{BytesView(key).first(size)};
    base::wipe(key);
    return out;
}

}  // namespace sekisho::ssh
