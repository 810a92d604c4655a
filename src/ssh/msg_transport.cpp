#include "ssh/msg_transport.h"

#include "ssh/message_numbers.h"
#include "wire/reader.h"
#include "wire/writer.h"

namespace sekisho::ssh {

namespace limits = wire::limits;

Bytes encode(const DisconnectMessage& message) {
    return wire::Writer().byte(number(Message::Disconnect)).u32(message.reason).string(message.text).string("").take();
}

Result<DisconnectMessage> decode_disconnect(BytesView payload) {
    wire::Reader in(payload);
    in.byte();
    DisconnectMessage message;
    message.reason = in.u32();
    message.text = in.text(limits::kText);
    // The language tag is left out by some peers; nothing depends on it.
    if (!in.ok()) return in.finish_with("DISCONNECT", message);
    return message;
}

Bytes encode_unimplemented(std::uint32_t sequence) {
    return wire::Writer().byte(number(Message::Unimplemented)).u32(sequence).take();
}

// RFC 4253 §11.3: always_display, message, language tag.
Bytes encode_debug(std::string_view text) {
    return wire::Writer().byte(number(Message::Debug)).boolean(true).string(text).string("").take();
}

Bytes encode_service_request(std::string_view service) {
    return wire::Writer().byte(number(Message::ServiceRequest)).string(service).take();
}

Bytes encode_service_accept(std::string_view service) {
    return wire::Writer().byte(number(Message::ServiceAccept)).string(service).take();
}

Result<std::string> decode_service(BytesView payload) {
    wire::Reader in(payload);
    in.byte();
    std::string service(in.text(limits::kMethodName));
    return in.finish_with("service message", service);
}

Bytes encode_ext_info(const std::vector<std::string>& signature_algorithms) {
    return wire::Writer()
        .byte(number(Message::ExtInfo))
        .u32(3)
        .string("server-sig-algs")
        .name_list(signature_algorithms)
        .string("publickey-hostbound@openssh.com")
        .string("0")
        .string("ping@openssh.com")
        .string("0")
        .take();
}

Bytes encode_client_ext_info() {
    return wire::Writer().byte(number(Message::ExtInfo)).u32(1).string("ext-info-in-auth@openssh.com").string("0").take();
}

Bytes encode_user_ext_info(const std::vector<std::string>& signature_algorithms) {
    return wire::Writer().byte(number(Message::ExtInfo)).u32(1).string("server-sig-algs").name_list(signature_algorithms).take();
}

Result<ExtInfo> decode_ext_info(BytesView payload, ExtInfo known) {
    wire::Reader in(payload);
    in.byte();
    const std::uint32_t count = in.u32();
    if (count > limits::kExtensions) return fail("too many extensions", std::to_string(count));
    ExtInfo info = std::move(known);
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
        const std::string_view name = in.text(limits::kNameList);
        const BytesView value = in.string(limits::kNameList);
        if (name == "server-sig-algs") {
            Bytes wrapped = wire::Writer().string(value).take();
            wire::Reader list(wrapped);
            info.signature_algorithms = list.name_list();
            if (auto done = list.finish("server-sig-algs"); !done) return std::unexpected(done.error());
        } else if (name == "publickey-hostbound@openssh.com") {
            info.hostbound = base::text_view(value) == "0";
        } else if (name == "ping@openssh.com") {
            info.ping = base::text_view(value) == "0";
        } else if (name == "ext-info-in-auth@openssh.com") {
            info.in_auth = base::text_view(value) == "0";
        }
    }
    return in.finish_with("EXT_INFO", info);
}

Result<Bytes> answer_ping(BytesView payload) {
    wire::Reader in(payload);
    in.byte();
    const BytesView data = in.string(limits::kPing);
    return in.finish_with("PING", wire::Writer().byte(number(Message::Pong)).string(data).take());
}

}  // namespace sekisho::ssh
