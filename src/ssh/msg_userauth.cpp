#include "ssh/msg_userauth.h"

#include "ssh/message_numbers.h"
#include "wire/reader.h"
#include "wire/writer.h"

namespace sekisho::ssh {

namespace limits = wire::limits;

namespace {

void write_public_key_part(wire::Writer& out, std::string_view user, std::string_view method, std::string_view algorithm,
                           BytesView key_blob, BytesView host_key, bool has_signature = true) {
    out.byte(number(Message::UserauthRequest)).string(user).string(kConnectionService).string(method);
    out.boolean(has_signature).string(algorithm).string(key_blob);
    if (method == kHostboundMethod) out.string(host_key);
}

}  // namespace

Result<UserauthRequest> decode_userauth_request(BytesView payload) {
    wire::Reader in(payload);
    in.byte();
    UserauthRequest request;
    request.user = in.text(limits::kUserName);
    request.service = in.text(limits::kMethodName);
    request.method = in.text(limits::kMethodName);
    if (!in.ok()) return in.finish_with("USERAUTH_REQUEST", request);
    request.method_data = in.rest();
    return request;
}

Bytes encode_userauth_none(std::string_view user) {
    return wire::Writer().byte(number(Message::UserauthRequest)).string(user).string(kConnectionService).string("none").take();
}

Result<PublicKeyPart> decode_public_key_part(BytesView method_data, bool hostbound) {
    wire::Reader in(method_data);
    PublicKeyPart part;
    part.has_signature = in.boolean();
    part.algorithm = in.text(limits::kAlgorithmName);
    part.key_blob = in.string(limits::kKeyBlob);
    if (hostbound) part.host_key = in.string(limits::kKeyBlob);
    if (part.has_signature) part.signature = in.string(limits::kSignature);
    return in.finish_with("public key request", part);
}

Bytes public_key_signed_data(BytesView session_id, std::string_view user, std::string_view method, std::string_view algorithm,
                             BytesView key_blob, BytesView host_key) {
    wire::Writer out;
    out.string(session_id);
    write_public_key_part(out, user, method, algorithm, key_blob, host_key);
    return out.take();
}

Bytes encode_public_key_request(std::string_view user, std::string_view method, std::string_view algorithm, BytesView key_blob,
                                BytesView host_key, BytesView signature) {
    wire::Writer out;
    write_public_key_part(out, user, method, algorithm, key_blob, host_key);
    out.string(signature);
    return out.take();
}

Bytes encode_public_key_query(std::string_view user, std::string_view method, std::string_view algorithm, BytesView key_blob,
                              BytesView host_key) {
    wire::Writer out;
    write_public_key_part(out, user, method, algorithm, key_blob, host_key, false);
    return out.take();
}

Result<KeyQueryAnswer> decode_userauth_pk_ok(BytesView payload) {
    wire::Reader in(payload);
    in.byte();
    KeyQueryAnswer answer;
    answer.algorithm = in.text(limits::kAlgorithmName);
    answer.key_blob = in.string(limits::kKeyBlob);
    return in.finish_with("USERAUTH_PK_OK", answer);
}

Result<HostBasedPart> decode_host_based_part(BytesView method_data) {
    wire::Reader in(method_data);
    HostBasedPart part;
    part.algorithm = in.text(limits::kAlgorithmName);
    part.key_blob = in.string(limits::kKeyBlob);
    part.client_host = in.text(limits::kHostName);
    part.client_user = in.text(limits::kUserName);
    part.signature = in.string(limits::kSignature);
    return in.finish_with("hostbased request", part);
}

namespace {

void write_host_based(wire::Writer& out, std::string_view user, const HostBasedPart& part) {
    out.byte(number(Message::UserauthRequest)).string(user).string(kConnectionService);
    out.string(kHostBasedMethod).string(part.algorithm).string(part.key_blob);
    out.string(part.client_host).string(part.client_user);
}

}  // namespace

Bytes host_based_signed_data(BytesView session_id, std::string_view user, const HostBasedPart& part) {
    wire::Writer out;
    out.string(session_id);
    write_host_based(out, user, part);
    return out.take();
}

Bytes encode_host_based_request(std::string_view user, const HostBasedPart& part) {
    wire::Writer out;
    write_host_based(out, user, part);
    out.string(part.signature);
    return out.take();
}

Bytes encode_password_request(std::string_view user, const Secret& password, const Secret* new_password) {
    // All at once: a vector that grew would leave its first bytes behind in freed memory.
    const std::size_t size = user.size() + password.size() + (new_password != nullptr ? new_password->size() : 0) + 64;
    wire::Writer out(size);
    out.byte(number(Message::UserauthRequest)).string(user).string(kConnectionService).string(kPasswordMethod);
    out.boolean(new_password != nullptr).string(password.bytes());
    if (new_password != nullptr) out.string(new_password->bytes());
    return out.take();
}

Result<std::string> decode_password_change(BytesView payload) {
    wire::Reader in(payload);
    in.byte();
    std::string prompt(in.text(limits::kPromptText));
    in.string(limits::kMethodName);  // language
    return in.finish_with("USERAUTH_PASSWD_CHANGEREQ", std::move(prompt));
}

Bytes encode(const UserauthFailure& message) {
    return wire::Writer()
        .byte(number(Message::UserauthFailure))
        .name_list(message.methods)
        .boolean(message.partial_success)
        .take();
}

Result<UserauthFailure> decode_userauth_failure(BytesView payload) {
    wire::Reader in(payload);
    in.byte();
    UserauthFailure message;
    message.methods = in.name_list();
    message.partial_success = in.boolean();
    return in.finish_with("USERAUTH_FAILURE", message);
}

Bytes encode_userauth_success() { return wire::Writer().byte(number(Message::UserauthSuccess)).take(); }

Bytes encode_userauth_pk_ok(std::string_view algorithm, BytesView key_blob) {
    return wire::Writer().byte(number(Message::UserauthPkOk)).string(algorithm).string(key_blob).take();
}

Bytes encode_userauth_banner(std::string_view text) {
    return wire::Writer().byte(number(Message::UserauthBanner)).string(text).string("").take();
}

Result<std::string> decode_userauth_banner(BytesView payload) {
    wire::Reader in(payload);
    in.byte();
    std::string text(in.text(limits::kBanner));
    in.string(limits::kMethodName);
    return in.finish_with("USERAUTH_BANNER", text);
}

}  // namespace sekisho::ssh
