#include "keyholder/messages.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/secret.h"
#include "wire/reader.h"
#include "wire/writer.h"

namespace sekisho::keyholder {
namespace {

enum class Type : std::uint8_t {
    SignExchange = 1,
    ProveHostKey = 2,
    CertifyUser = 3,
    CertifyHost = 4,
    ChangeUserCa = 5,
    WrapSecret = 6,
    SignAsStored = 7,
    OpenPassword = 8,
    SignCheckpoint = 9,
    SignRecordings = 10
};
enum class Outcome : std::uint8_t { Done = 1, Refused = 2 };

constexpr std::size_t kMostName = 64;
constexpr std::size_t kMostHash = 64;
constexpr std::size_t kMostKey = 8 * 1024;
constexpr std::size_t kMostText = 4096;
constexpr std::uint32_t kMostItems = 64;
constexpr std::uint32_t kMostHostKeys = 128;
constexpr std::size_t kMostSignedData = 8 * 1024;
constexpr std::size_t kMostBlob = 128 * 1024;

Bytes framed(wire::Writer& payload) {
    wire::Writer out(payload.size() + kFrameHeader);
    return out.string(payload.bytes()).take();
}

void write(wire::Writer& out, const std::vector<keys::CertificateOption>& options) {
    out.u32(static_cast<std::uint32_t>(options.size()));
    for (const auto& one : options) out.string(one.name).string(one.value);
}

/// The count is not believed: each item is read before the next is asked for.
template <class ReadOne>
void read_list(wire::Reader& in, std::uint32_t most, ReadOne read_one) {
    const std::uint32_t count = in.u32();
    if (count > most) {
        (void)in.raw(in.rest().size() + 1);  // makes it fail
        return;
    }
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) read_one();
}

std::vector<keys::CertificateOption> read_options(wire::Reader& in) {
    std::vector<keys::CertificateOption> out;
    read_list(in, kMostItems, [&] {
        std::string name(in.text(kMostName));
        out.push_back({std::move(name), std::string(in.text(kMostText))});
    });
    return out;
}

CertificateWish read_wish(wire::Reader& in) {
    CertificateWish wish;
    wish.key = base::to_bytes(in.string(kMostKey));
    read_list(in, kMostItems, [&] { wish.principals.emplace_back(in.text(kMostText)); });
    wish.key_id = in.text(kMostText);
    wish.ahead = std::chrono::seconds(in.u32());
    wish.back = std::chrono::seconds(in.u32());
    wish.critical_options = read_options(in);
    wish.extensions = read_options(in);
    return wish;
}

HostCertificateWish read_host_wish(wire::Reader& in) {
    HostCertificateWish wish;
    wish.key = in.u32();
    read_list(in, kMostItems, [&] { wish.names.emplace_back(in.text(kMostText)); });
    wish.key_id = in.text(kMostText);
    wish.ahead = std::chrono::seconds(in.u32());
    wish.back = std::chrono::seconds(in.u32());
    return wish;
}

void write(wire::Writer& out, const UserCaKeys& keys) { out.string(keys.signing).string(keys.next).string(keys.old); }

UserCaKeys read_user_ca(wire::Reader& in) {
    UserCaKeys keys;
    for (Bytes* blob : {&keys.signing, &keys.next, &keys.old}) *blob = base::to_bytes(in.string(kMostKey));
    return keys;
}

void write(wire::Writer& out, const StoredCredential& credential) {
    out.string(credential.target).string(credential.login).string(credential.wrapped);
}

StoredCredential read_credential(wire::Reader& in) {
    StoredCredential credential;
    credential.target = in.text(kMostText);
    credential.login = in.text(kMostText);
    credential.wrapped = base::to_bytes(in.string(keys::kMostWrappedSecret));
    return credential;
}

template <std::size_t kSize>
std::array<std::byte, kSize> read_array(wire::Reader& in) {
    std::array<std::byte, kSize> out{};
    const BytesView bytes = in.raw(kSize);
    std::ranges::copy(bytes, out.begin());
    return out;
}

std::uint64_t milliseconds(WallTime time) { return static_cast<std::uint64_t>(base::unix_milliseconds(time)); }

WallTime read_time(wire::Reader& in) {
    return base::from_unix_milliseconds(static_cast<std::int64_t>(std::min<std::uint64_t>(in.u64(), INT64_MAX)));
}

/// Seconds beyond the field's range stay beyond every bound.
std::uint32_t seconds(std::chrono::seconds value) {
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(value.count(), 0, UINT32_MAX));
}

}  // namespace

Bytes encode(std::uint64_t ticket, const Request& request) {
    wire::Writer out(256);
    out.u64(ticket);
    if (const auto* exchange = std::get_if<SignExchange>(&request)) {
        out.byte(static_cast<std::uint8_t>(Type::SignExchange));
        out.u32(exchange->key).string(exchange->algorithm).string(exchange->hash);
    } else if (const auto* proof = std::get_if<ProveHostKey>(&request)) {
        out.byte(static_cast<std::uint8_t>(Type::ProveHostKey));
        out.u32(proof->key).string(proof->algorithm).string(proof->session_id);
    } else if (const auto* wish = std::get_if<CertificateWish>(&request)) {
        out.byte(static_cast<std::uint8_t>(Type::CertifyUser));
        out.string(wish->key).u32(static_cast<std::uint32_t>(wish->principals.size()));
        for (const auto& principal : wish->principals) out.string(principal);
        out.string(wish->key_id).u32(seconds(wish->ahead)).u32(seconds(wish->back));
        write(out, wish->critical_options);
        write(out, wish->extensions);
    } else if (const auto* host = std::get_if<HostCertificateWish>(&request)) {
        out.byte(static_cast<std::uint8_t>(Type::CertifyHost));
        out.u32(host->key).u32(static_cast<std::uint32_t>(host->names.size()));
        for (const auto& name : host->names) out.string(name);
        out.string(host->key_id).u32(seconds(host->ahead)).u32(seconds(host->back));
    } else if (const auto* change = std::get_if<ChangeUserCa>(&request)) {
        out.byte(static_cast<std::uint8_t>(Type::ChangeUserCa));
        out.byte(static_cast<std::uint8_t>(change->step));
    } else if (const auto* secret = std::get_if<WrapSecret>(&request)) {
        out.byte(static_cast<std::uint8_t>(Type::WrapSecret)).byte(static_cast<std::uint8_t>(secret->place.kind));
        out.string(secret->place.target).string(secret->place.login).string(secret->sealed);
    } else if (const auto* sign = std::get_if<SignAsStored>(&request)) {
        out.byte(static_cast<std::uint8_t>(Type::SignAsStored));
        write(out, sign->credential);
        out.string(sign->algorithm).string(sign->data);
    } else if (const auto* open = std::get_if<OpenPassword>(&request)) {
        out.byte(static_cast<std::uint8_t>(Type::OpenPassword));
        write(out, open->credential);
    } else if (const auto* position = std::get_if<SignCheckpoint>(&request)) {
        out.byte(static_cast<std::uint8_t>(Type::SignCheckpoint)).u64(position->sequence).raw(position->hash);
    } else if (const auto* ended = std::get_if<SignRecordings>(&request)) {
        out.byte(static_cast<std::uint8_t>(Type::SignRecordings)).u32(ended->count).raw(ended->root);
    }
    return framed(out);
}

Result<TicketedRequest> decode_request(BytesView payload) {
    wire::Reader in(payload);
    TicketedRequest out;
    out.ticket = in.u64();
    const std::uint8_t type = in.byte();
    switch (static_cast<Type>(type)) {
        case Type::SignExchange: {
            SignExchange exchange;
            exchange.key = in.u32();
            exchange.algorithm = in.text(kMostName);
            exchange.hash = base::to_bytes(in.string(kMostHash));
            out.request = std::move(exchange);
            break;
        }
        case Type::ProveHostKey: {
            ProveHostKey proof;
            proof.key = in.u32();
            proof.algorithm = in.text(kMostName);
            proof.session_id = base::to_bytes(in.string(kMostHash));
            out.request = std::move(proof);
            break;
        }
        case Type::CertifyUser: out.request = read_wish(in); break;
        case Type::CertifyHost: out.request = read_host_wish(in); break;
        case Type::ChangeUserCa: out.request = ChangeUserCa{static_cast<model::CaStep>(in.byte())}; break;
        case Type::WrapSecret: {
            WrapSecret secret;
            secret.place.kind = static_cast<keys::SecretKind>(in.byte());
            secret.place.target = in.text(kMostText);
            secret.place.login = in.text(kMostText);
            secret.sealed = base::to_bytes(in.string(keys::kMostSealedSecret));
            out.request = std::move(secret);
            break;
        }
        case Type::SignAsStored: {
            SignAsStored sign;
            sign.credential = read_credential(in);
            sign.algorithm = in.text(kMostName);
            sign.data = base::to_bytes(in.string(kMostSignedData));
            out.request = std::move(sign);
            break;
        }
        case Type::SignCheckpoint: {
            SignCheckpoint position;
            position.sequence = in.u64();
            position.hash = read_array<32>(in);
            out.request = position;
            break;
        }
        case Type::SignRecordings: {
            SignRecordings ended;
            ended.count = in.u32();
            ended.root = read_array<32>(in);
            out.request = ended;
            break;
        }
        case Type::OpenPassword: out.request = OpenPassword{read_credential(in)}; break;
        default: return fail("a request of an unknown type", std::to_string(type));
    }
    return in.finish_with("request to the keyholder", std::move(out));
}

std::uint64_t ticket_of(BytesView payload) { return wire::Reader(payload).u64(); }

/// It may hold a password: nothing of it is left behind.
Bytes encode(const Reply& reply) {
    wire::Writer out(32 + (reply.answer ? reply.answer->size() : 256));
    out.u64(reply.ticket);
    out.byte(static_cast<std::uint8_t>(reply.answer ? Outcome::Done : Outcome::Refused));
    reply.answer ? out.string(*reply.answer) : out.string(reply.answer.error().full());
    Bytes frame = framed(out);
    Bytes payload = out.take();
    base::wipe(payload);
    return frame;
}

Result<Reply> decode_reply(BytesView payload) {
    wire::Reader in(payload);
    Reply out;
    out.ticket = in.u64();
    const auto outcome = static_cast<Outcome>(in.byte());
    const BytesView said = in.string(kMostBlob);
    if (outcome != Outcome::Done && outcome != Outcome::Refused) return fail("a reply of an unknown kind");
    if (outcome == Outcome::Done) {
        out.answer = base::to_bytes(said);
    } else {
        out.answer = fail(base::to_text(said));
    }
    return in.finish_with("reply of the keyholder", std::move(out));
}

Bytes encode(const Result<PublicParts>& hello) {
    wire::Writer out(1024);
    out.byte(static_cast<std::uint8_t>(hello ? Outcome::Done : Outcome::Refused));
    if (!hello) {
        out.string(hello.error().text).string(hello.error().detail);
        return framed(out);
    }
    out.u32(static_cast<std::uint32_t>(hello->host_keys.size()));
    for (const auto& key : hello->host_keys) {
        out.string(key.blob).u32(static_cast<std::uint32_t>(key.algorithms.size()));
        for (const auto& algorithm : key.algorithms) out.string(algorithm);
    }
    write(out, hello->user_ca);
    out.string(hello->host_ca).string(hello->evidence);
    return framed(out);
}

Bytes encode(const UserCaKeys& keys) {
    wire::Writer out(256);
    write(out, keys);
    return out.take();
}

Result<UserCaKeys> decode_user_ca(BytesView answer) {
    wire::Reader in(answer);
    UserCaKeys keys = read_user_ca(in);
    return in.finish_with("keys of the user CA", std::move(keys));
}

Bytes encode(const WrappedSecret& wrapped) {
    wire::Writer out(256);
    return out.string(wrapped.wrapped).string(wrapped.public_key).take();
}

Result<WrappedSecret> decode_wrapped(BytesView answer) {
    wire::Reader in(answer);
    WrappedSecret wrapped;
    wrapped.wrapped = base::to_bytes(in.string(keys::kMostWrappedSecret));
    wrapped.public_key = base::to_bytes(in.string(kMostKey));
    return in.finish_with("wrapped credential", std::move(wrapped));
}

Bytes encode(const SignedCheckpoint& answer) {
    wire::Writer out(128);
    out.u64(answer.before).raw(answer.before_hash).u64(milliseconds(answer.time)).raw(answer.signature);
    return out.take();
}

Result<SignedCheckpoint> decode_checkpoint(BytesView answer) {
    wire::Reader in(answer);
    SignedCheckpoint out;
    out.before = in.u64();
    out.before_hash = read_array<32>(in);
    out.time = read_time(in);
    out.signature = read_array<64>(in);
    return in.finish_with("signed checkpoint", out);
}

Bytes encode(const SignedRoot& answer) {
    return wire::Writer().u64(milliseconds(answer.time)).raw(answer.signature).take();
}

Result<SignedRoot> decode_root(BytesView answer) {
    wire::Reader in(answer);
    SignedRoot out;
    out.time = read_time(in);
    out.signature = read_array<64>(in);
    return in.finish_with("signed root", out);
}

Result<PublicParts> decode_hello(BytesView payload) {
    wire::Reader in(payload);
    const auto outcome = static_cast<Outcome>(in.byte());
    if (outcome == Outcome::Refused) {
        std::string text(in.text(kMostText));
        return fail(std::move(text), std::string(in.text(kMostText)));
    }
    PublicParts out;
    read_list(in, kMostHostKeys, [&] {
        PublicParts::HostKey key;
        key.blob = base::to_bytes(in.string(kMostBlob));
        read_list(in, kMostItems, [&] { key.algorithms.emplace_back(in.text(kMostName)); });
        out.host_keys.push_back(std::move(key));
    });
    out.user_ca = read_user_ca(in);
    out.host_ca = base::to_bytes(in.string(kMostKey));
    out.evidence = base::to_bytes(in.string(kMostKey));
    if (outcome != Outcome::Done) return fail("the keyholder's greeting is not understood");
    return in.finish_with("greeting of the keyholder", std::move(out));
}

Result<std::optional<BytesView>> next_frame(BytesView bytes, std::size_t most) {
    if (bytes.size() < kFrameHeader) return std::nullopt;
    const std::size_t size = wire::Reader(bytes).u32();
    if (size > most) return fail("a message over its limit");
    if (bytes.size() - kFrameHeader < size) return std::nullopt;
    return bytes.subspan(kFrameHeader, size);
}

}  // namespace sekisho::keyholder
