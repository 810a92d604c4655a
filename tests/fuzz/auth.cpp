// The layers above the transport, both roles: authentication server and client, and channels. The input is a row of pieces,
// u16 length and payload, as a hostile peer that speaks the transport would send them.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "ssh/auth_client.h"
#include "ssh/auth_server.h"
#include "ssh/channels.h"
#include "ssh/global_requests.h"

namespace {

using namespace sekisho;

void drain(ssh::Core& core, ssh::AuthServer& server, ssh::AuthClient& client, ssh::Channels& channels,
           ssh::GlobalRequests& globals) {
    while (auto event = core.events.pop()) {
        channels.told(*event);
        if (const auto* asked = std::get_if<ssh::AuthRequested>(&*event)) {
            if (asked->method == ssh::AuthRequested::Method::PublicKeyQuery) {
                (void)server.submit(ssh::AcceptKeyQuery{asked->ticket}, {});
            } else if (asked->method == ssh::AuthRequested::Method::KeyboardInteractive) {
                (void)server.submit(ssh::SendPrompts{asked->ticket, "", "", {{"Code: ", false}, {"Again: ", false}}}, {});
            } else {
                (void)server.submit(ssh::RejectAuth{asked->ticket, {"publickey"}, false}, {});
            }
        } else if (const auto* answered = std::get_if<ssh::PromptsAnswered>(&*event)) {
            (void)server.submit(ssh::RejectAuth{answered->ticket, {"keyboard-interactive"}, true}, {});
        } else if (std::holds_alternative<ssh::AuthMethodsOffered>(*event)) {
            (void)client.submit(ssh::TryKeyboardInteractive{});
        } else if (const auto* prompts = std::get_if<ssh::PromptsReceived>(&*event)) {
            ssh::AnswerPrompts answers{prompts->ticket, {}};
            for (std::size_t i = 0; i < prompts->prompts.size(); ++i) answers.answers.emplace_back(3);
            (void)client.submit(answers);
        } else if (std::holds_alternative<ssh::PasswordChangeWanted>(*event)) {
            (void)client.submit(ssh::TryPassword{Secret(3), Secret(4)});
        } else if (const auto* wanted = std::get_if<ssh::HostSignatureWanted>(&*event)) {
            (void)globals.submit(ssh::ProvideSignature{wanted->ticket, Bytes(8)});
        } else if (const auto* opened = std::get_if<ssh::ChannelOpenRequested>(&*event)) {
            (void)channels.submit(ssh::AcceptChannel{opened->channel, {}});
        } else if (const auto* data = std::get_if<ssh::Data>(&*event)) {
            (void)channels.submit(ssh::Credit{data->channel, data->bytes.size()});
            channels.write(data->channel, data->stream, data->bytes, false);
        } else if (const auto* request = std::get_if<ssh::ChannelRequested>(&*event)) {
            if (request->want_reply) (void)channels.submit(ssh::ReplyRequest{request->channel, true});
        } else if (const auto* closed = std::get_if<ssh::CloseReceived>(&*event)) {
            (void)channels.submit(ssh::CloseChannel{closed->channel});
        } else if (const auto* global = std::get_if<ssh::GlobalRequested>(&*event)) {
            if (global->want_reply) (void)globals.submit(ssh::ReplyGlobal{false, {}});
        }
    }
}

Result<void> deliver(MutableBytes payload, ssh::AuthServer& server, ssh::AuthClient& client, ssh::Channels& channels,
                     ssh::GlobalRequests& globals) {
    const auto number = std::to_integer<std::uint8_t>(payload[0]);
    switch (number) {
        case 6: return client.receive_service_accept(payload);
        case 7: return client.receive_ext_info(payload);
        case 50: return server.receive_request(payload, {});
        case 51: return client.receive_failure(payload);
        case 52: return client.receive_success(payload);
        case 53: return client.receive_banner(payload);
        case 60: return client.receive_method_message(payload);
        case 61: return server.receive_answers(payload);
        default: break;
    }
    if (number >= 80 && number <= 82) return globals.receive(payload);
    if (number >= 90 && number <= 100) return channels.receive(payload);
    return {};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    crypto::TestRandom random(3);
    ssh::Config config;
    config.random = &random;
    config.user = "alice";
    config.announce_host_keys = true;
    config.host_keys = {{base::to_bytes(std::string_view("a key")), {"ssh-ed25519"}},
                        {base::to_bytes(std::string_view("another")), {"rsa-sha2-512"}}};
    ssh::Core core(config, TimePoint{});
    core.session_id = Bytes(32);
    ssh::AuthServer server(core);
    ssh::AuthClient client(core);
    ssh::Channels channels(core);
    ssh::GlobalRequests globals(core);
    client.start();
    // Pieces are lengths of two bytes and payloads; each payload is a buffer of its own, so that a read beyond it is seen.
    std::size_t at = 0;
    while (at + 2 < size) {
        const std::size_t wanted = static_cast<std::size_t>(data[at]) << 8 | data[at + 1];
        at += 2;
        const std::size_t n = std::min(wanted, size - at);
        if (n == 0) continue;
        const BytesView piece = std::as_bytes(std::span(data + at, n));
        Bytes payload = base::to_bytes(piece);
        at += n;
        const auto done = deliver(payload, server, client, channels, globals);
        drain(core, server, client, channels, globals);
        if (!done) return 0;
        core.writer.output().consume(core.writer.output().size());
        channels.pump();
        drain(core, server, client, channels, globals);
    }
    return 0;
}
