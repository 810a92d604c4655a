// Every decoder of the engine's messages by itself, in front of any state: the first byte chooses. What is read is written again
// where there is an encoder for it, and must then be read as the same.
#include <cstdlib>

#include "ssh/host_key_proof.h"
#include "ssh/identification.h"
#include "ssh/msg_channel.h"
#include "ssh/msg_kex_ecdh.h"
#include "ssh/msg_kex_group.h"
#include "ssh/msg_kexinit.h"
#include "ssh/msg_transport.h"
#include "ssh/msg_userauth.h"
#include "ssh/msg_userauth_interactive.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

using namespace sekisho;

void must(bool condition) {
    if (!condition) std::abort();
}

void identification(Bytes bytes, ssh::Role role) {
    ssh::Identification line(role);
    BytesView rest = bytes;
    while (!rest.empty() && !line.line()) {
        const auto used = line.feed(rest);
        if (!used || *used == 0) return;
        must(*used <= rest.size());
        rest = rest.subspan(*used);
    }
    if (line.line()) must(line.line()->size() < wire::limits::kIdentificationLine && line.line()->starts_with("SSH-"));
}

void kexinit(BytesView payload) {
    const auto one = ssh::decode_kexinit(payload);
    if (!one) return;
    // With itself it agrees wherever there is anything to agree on.
    const auto agreed = ssh::agree(*one, *one, *one);
    if (agreed) must(!agreed->kex.empty() && !agreed->host_key.empty() && !agreed->cipher_to_server.empty());
    crypto::TestRandom random(1);
    const Bytes again = ssh::encode(*one, random);
    const auto two = ssh::decode_kexinit(again);
    must(two && two->kex == one->kex && two->ciphers_to_client == one->ciphers_to_client);
}

void authentication(Bytes& payload) {
    const auto request = ssh::decode_userauth_request(payload);
    if (request) {
        (void)ssh::decode_public_key_part(request->method_data, false);
        (void)ssh::decode_public_key_part(request->method_data, true);
        (void)ssh::decode_host_based_part(request->method_data);
        (void)ssh::decode_interactive_part(request->method_data);
    }
    (void)ssh::decode_userauth_failure(payload);
    (void)ssh::decode_userauth_banner(payload);
    (void)ssh::decode_password_change(payload);
    (void)ssh::decode_info_response(payload);
    const auto prompts = ssh::decode_info_request(payload);
    if (prompts) must(ssh::decode_info_request(encode(*prompts))->prompts.size() == prompts->prompts.size());
}

void connection(Bytes& payload) {
    if (const auto open = ssh::decode_channel_open(payload)) must(encode(*open) == payload || payload[0] != std::byte{90});
    (void)ssh::decode_channel_open_confirmation(payload);
    (void)ssh::decode_channel_open_failure(payload);
    (void)ssh::decode_channel_window_adjust(payload);
    if (const auto request = ssh::decode_channel_request(payload)) must(request->payload.size() <= payload.size());
    if (const auto data = ssh::decode_channel_data(payload)) {
        must(data->bytes.empty() || data->bytes.data() + data->bytes.size() == payload.data() + payload.size());
    }
    (void)ssh::decode_channel_only(payload);
    (void)ssh::decode_global_request(payload);
    (void)ssh::decode_strings(payload);
}

void exchange(BytesView payload) {
    (void)ssh::decode_kex_ecdh_init(payload);
    (void)ssh::decode_kex_ecdh_reply(payload);
    if (const auto request = ssh::decode_kex_group_request(payload)) {
        must(request->least <= request->wanted && request->wanted <= request->most);
        (void)crypto::choose_known_group(request->least, request->wanted, request->most);
    }
    if (const auto group = ssh::decode_kex_group(payload)) (void)crypto::diffie_hellman_sha256(*group, 2048, 8192);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const unsigned what = input.byte();
    Bytes payload = input.rest();
    if (what % 8 < 2) {
        identification(std::move(payload), what % 8 == 0 ? ssh::Role::Server : ssh::Role::Client);
        return 0;
    }
    if (payload.empty()) return 0;  // no packet is
    switch (what % 8) {
        case 2: kexinit(payload); break;
        case 3: authentication(payload); break;
        case 4: connection(payload); break;
        case 5: exchange(payload); break;
        case 6:
            (void)ssh::decode_disconnect(payload);
            (void)ssh::decode_service(payload);
            (void)ssh::decode_ext_info(payload);
            break;
        default: (void)ssh::answer_ping(payload); break;
    }
    return 0;
}
