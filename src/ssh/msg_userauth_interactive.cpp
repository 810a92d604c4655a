#include "ssh/msg_userauth_interactive.h"

#include "ssh/message_numbers.h"
#include "ssh/msg_userauth.h"
#include "wire/reader.h"
#include "wire/writer.h"

namespace sekisho::ssh {

namespace limits = wire::limits;

Bytes encode_interactive_request(std::string_view user, std::string_view submethods) {
    return wire::Writer()
        .byte(number(Message::UserauthRequest))
        .string(user)
        .string(kConnectionService)
        .string(kInteractiveMethod)
        .string("")  // language
        .string(submethods)
        .take();
}

Result<std::string> decode_interactive_part(BytesView method_data) {
    wire::Reader in(method_data);
    in.string(limits::kMethodName);  // language
    std::string submethods(in.text(limits::kNameList));
    return in.finish_with("keyboard-interactive request", std::move(submethods));
}

Bytes encode(const InfoRequest& message) {
    wire::Writer out;
    out.byte(number(Message::UserauthInfoRequest)).string(message.name).string(message.instruction).string("");
    out.u32(static_cast<std::uint32_t>(message.prompts.size()));
    for (const Prompt& prompt : message.prompts) out.string(prompt.text).boolean(prompt.echo);
    return out.take();
}

Result<InfoRequest> decode_info_request(BytesView payload) {
    wire::Reader in(payload);
    in.byte();
    InfoRequest message;
    message.name = in.text(limits::kPromptText);
    message.instruction = in.text(limits::kPromptText);
    in.string(limits::kMethodName);  // language
    const std::uint32_t count = in.u32();
    if (count > limits::kPrompts) return fail("too many prompts", std::to_string(count));
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
        Prompt prompt;
        prompt.text = in.text(limits::kPromptText);
        prompt.echo = in.boolean();
        message.prompts.push_back(std::move(prompt));
    }
    return in.finish_with("USERAUTH_INFO_REQUEST", std::move(message));
}

Bytes encode_info_response(const std::vector<Secret>& answers) {
    // All at once: a vector that grew would leave its first bytes behind in freed memory.
    std::size_t size = 5;
    for (const Secret& answer : answers) size += 4 + answer.size();
    wire::Writer out(size);
    out.byte(number(Message::UserauthInfoResponse)).u32(static_cast<std::uint32_t>(answers.size()));
    for (const Secret& answer : answers) out.string(answer.bytes());
    return out.take();
}

Result<std::vector<Secret>> decode_info_response(BytesView payload) {
    wire::Reader in(payload);
    in.byte();
    const std::uint32_t count = in.u32();
    if (count > limits::kPrompts) return fail("too many answers", std::to_string(count));
    std::vector<Secret> answers;
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) answers.emplace_back(in.string(limits::kAnswer));
    if (auto done = in.finish("USERAUTH_INFO_RESPONSE"); !done) return std::unexpected(done.error());
    return answers;
}

}  // namespace sekisho::ssh
