// A whole engine in either role until sign-in: the input is what the peer says, as messages, which are sealed here. The first byte
// chooses role and peer, the second how far the connection is. No owner here lets anybody in: a server that ends up signed in is a bug.
#include <cstdlib>

#include "tests/fuzz/fuzz_input.h"
#include "tests/support/event_checker.h"
#include "tests/support/raw_session.h"

namespace {

using namespace sekisho;
using support::RawSession;
using support::Step;

void answer(ssh::Engine& engine, const ssh::Event& event) {
    if (const auto* asked = std::get_if<ssh::AuthRequested>(&event)) {
        if (asked->method == ssh::AuthRequested::Method::PublicKeyQuery) {
            (void)engine.submit(ssh::AcceptKeyQuery{asked->ticket});
        } else if (asked->method == ssh::AuthRequested::Method::KeyboardInteractive) {
            (void)engine.submit(ssh::SendPrompts{asked->ticket, "", "", {{"Code: ", false}}});
        } else {
            (void)engine.submit(ssh::RejectAuth{asked->ticket, {"publickey", "keyboard-interactive"}, false});
        }
    } else if (const auto* answered = std::get_if<ssh::PromptsAnswered>(&event)) {
        (void)engine.submit(ssh::RejectAuth{answered->ticket, {"publickey"}, true});
    } else if (const auto* offered = std::get_if<ssh::AuthMethodsOffered>(&event)) {
        const bool interactive = !offered->methods.empty() && offered->methods.front() == "keyboard-interactive";
        if (offered->methods.empty()) return;
        if (interactive) {
            (void)engine.submit(ssh::TryKeyboardInteractive{});
        } else {
            (void)engine.submit(ssh::TryPublicKey{"ssh-ed25519", Bytes(51)});
        }
    } else if (const auto* wanted = std::get_if<ssh::UserSignatureWanted>(&event)) {
        (void)engine.submit(ssh::ProvideSignature{wanted->ticket, Bytes(83)});
    } else if (const auto* prompts = std::get_if<ssh::PromptsReceived>(&event)) {
        ssh::AnswerPrompts answers{prompts->ticket, {}};
        for (std::size_t i = 0; i < prompts->prompts.size(); ++i) answers.answers.emplace_back(3);
        (void)engine.submit(std::move(answers));
    } else if (std::holds_alternative<ssh::PasswordChangeWanted>(event)) {
        (void)engine.submit(ssh::TryPassword{Secret(3), Secret(4)});
    } else if (const auto* group = std::get_if<ssh::GroupOffered>(&event)) {
        (void)engine.submit(ssh::AcceptGroup{group->ticket});
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const unsigned how = input.byte();
    const auto step = static_cast<Step>(1 + input.byte() % 6);
    ssh::Config config;
    config.role = (how & 1) != 0 ? ssh::Role::Client : ssh::Role::Server;
    config.ask_methods = (how & 2) != 0;
    config.judge_groups = (how & 4) != 0;
    config.legacy = (how & 8) != 0;
    config.begin_early = (how & 128) != 0;
    support::RawPeer::Options peer{.strict = (how & 16) == 0, .guess = (how & 32) != 0};
    if ((how & 64) != 0) peer.kex = "diffie-hellman-group-exchange-sha256";
    const bool exchanges = (how & 64) == 0 && (how & 32) == 0;
    RawSession session(config, peer);
    support::EventChecker checker;
    session.advance_to(exchanges ? step : std::min(step, Step::Offered));
    session.owner = [&](ssh::Event& event) {
        checker.check(event);
        answer(session.engine(), event);
    };
    while (!input.empty() && !session.engine().over()) {
        const Bytes payload = input.piece();
        if (payload.empty()) {
            // An honest step in between, so that the exchange can be finished behind what was said.
            if (!exchanges || session.peer().deaf()) break;
            if (session.server() && session.last<ssh::HostSignatureWanted>() != nullptr) session.provide_host_signature();
            if (!session.server() && session.last<ssh::HostKeyOffered>() != nullptr) session.accept_host_key();
            continue;
        }
        session.say(payload);
        if (session.engine().output().size() > wire::limits::kUnsentBytes) std::abort();
    }
    if (session.server() && session.engine().authenticated()) std::abort();
    return 0;
}
