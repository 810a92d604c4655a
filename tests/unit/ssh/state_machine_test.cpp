// Every message number in every state of a connection, in both roles of a whole engine. What is legal stands here a second time,
// written from the RFCs and not from src/ssh/transitions.cpp, and also says what only the layers know: that an answer needs its
// question, and a channel message its channel. Everything else ends the connection with a DISCONNECT, or is answered with
// UNIMPLEMENTED where RFC 4253 §11.4 asks for it.
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "crypto/diffie_hellman.h"
#include "ssh/msg_kex_group.h"
#include "tests/support/raw_session.h"

namespace sekisho {
namespace {

using ssh::Role;
using support::RawPeer;
using support::RawSession;
using support::Step;
using Numbers = std::set<int>;

Numbers operator+(Numbers a, const Numbers& b) {
    a.insert(b.begin(), b.end());
    return a;
}

Numbers operator-(Numbers a, const Numbers& b) {
    for (const int number : b) a.erase(number);
    return a;
}

// --- the numbers, by the standard that has them ---

const Numbers kDisconnect{1};  // RFC 4253 §11.1: always
const Numbers kNoise{2, 3, 4};  // IGNORE, UNIMPLEMENTED, DEBUG (§11.2–11.4)
const Numbers kKexInit{20};
const Numbers kGeneric = kDisconnect + kNoise + kKexInit;  // with an exchange that is finished
const Numbers kAssigned = kGeneric + Numbers{5, 6, 7, 21, 30, 31, 32, 33, 34, 50, 51, 52, 53, 60, 61, 80, 81, 82, 90, 91, 92,
                                         93, 94, 95, 96, 97, 98, 99, 100, 192, 193};
// RFC 4254 as far as no question of ours is outstanding and no channel is there.
const Numbers kConnection = kGeneric + Numbers{80, 90, 192, 193};
const Numbers kOnAChannel{93, 94, 95, 96, 97, 98};
const Numbers kAnswers{81, 82, 91, 92, 99, 100};
// Messages that are whole with their number alone, or of which nothing is read.
const Numbers kWithoutFields{2, 3, 4, 21, 52, 81, 82, 193};

struct State {
    std::string name;
    Role role;  // of the engine
    std::function<void(RawSession&)> reach;
    Numbers legal;
    bool answers_unknown = false;  // with UNIMPLEMENTED
    bool holds_answers = false;  // … which leaves only after the exchange that is under way
    RawPeer::Options peer = {};
    ssh::Config config = {};
    std::uint32_t open = 0, opening = 0;  // channels of the engine
    Bytes method_message = wire::Writer().byte(60).string("ssh-ed25519").string("a key").take();
    Numbers wrong_inside = {};  // legal, but the test cannot make one that is right
};

void PrintTo(const State& state, std::ostream* out) { *out << state.name; }

Bytes plausible(int number, RawSession& session, const State& state) {
    wire::Writer out;
    out.byte(static_cast<std::uint8_t>(number));
    const bool has_shares = session.count<ssh::PeerIdentified>() > 0 && state.peer.kex == "curve25519-sha256";
    switch (number) {
        case 1: return encode(ssh::DisconnectMessage{11, "bye"});
        case 2: return out.string("noise").take();
        case 3: return out.u32(3).take();
        case 4: return out.boolean(true).string("debug").string("").take();
        case 5:
        case 6: return out.string("ssh-userauth").take();
        case 7: return ssh::encode_client_ext_info();
        case 20: return session.peer().make_kexinit();
        case 30: return has_shares ? session.peer().make_share() : ssh::encode_kex_ecdh_init(Bytes(32, std::byte{9}));
        case 31:
            if (state.peer.kex != "curve25519-sha256")
                return ssh::encode_kex_group(crypto::choose_known_group(2048, 2048, 2048)->group);
            if (has_shares && session.peer().heard_message(30)) return session.peer().make_reply();
            return encode(ssh::KexEcdhReply{Bytes(51), Bytes(32), Bytes(83)});
        case 32: return ssh::encode_kex_ecdh_init(Bytes(255, std::byte{3}), ssh::Message::KexGroupInit);
        case 33:
            return encode(ssh::KexEcdhReply{RawSession::host_key().public_key().blob(), Bytes(255, std::byte{3}), Bytes(83)},
                ssh::Message::KexGroupReply);
        case 34: return encode(ssh::KexGroupRequest{2048, 2048, 8192});
        case 50: return ssh::encode_userauth_none("alice");
        case 51: return encode(ssh::UserauthFailure{{"publickey"}, false});
        case 53: return ssh::encode_userauth_banner("hello");
        case 60: return state.method_message;
        case 61: return out.u32(1).string("answer").take();
        case 80: return encode(ssh::GlobalRequestMessage{"keepalive@openssh.com", true, {}});
        case 90: return RawSession::open_channel(77);
        case 91: return encode(ssh::ChannelOpenConfirmation{state.opening, 5, 1000, 1000, {}});
        case 92: return encode(ssh::ChannelOpenFailureMessage{state.opening, 1, "no"});
        case 93: return encode(ssh::ChannelWindowAdjust{state.open, 10});
        case 94: return out.u32(state.open).string("data").take();
        case 95: return out.u32(state.open).u32(1).string("data").take();
        case 96:
        case 97:
        case 99:
        case 100: return out.u32(state.open).take();
        case 98: return encode(ssh::ChannelRequestMessage{state.open, "env", false, {}});
        case 192:
        case 193: return out.string("ping").take();
        default: return out.take();
    }
}

enum class Outcome { Taken, Unimplemented, Goodbye, Ended };

const char* text(Outcome outcome) {
    switch (outcome) {
        case Outcome::Taken: return "taken";
        case Outcome::Unimplemented: return "answered with UNIMPLEMENTED";
        case Outcome::Goodbye: return "taken for the peer's goodbye";
        case Outcome::Ended: return "ended the connection";
    }
    return "";
}

/// What the engine made of it. An end is one only when the peer was told: a DISCONNECT is the last that it hears.
Outcome tell(RawSession& session, BytesView payload) {
    session.told.clear();
    session.peer().heard.clear();
    const bool good = session.say(payload);
    const auto* end = session.last<ssh::Disconnected>();
    if (end != nullptr && end->by_peer) return Outcome::Goodbye;
    if (!good || session.engine().over()) {
        EXPECT_TRUE(session.engine().over());
        EXPECT_NE(end, nullptr);
        EXPECT_FALSE(session.peer().heard.empty());
        if (!session.peer().heard.empty()) {
            EXPECT_EQ(session.peer().heard.back()[0], std::byte{1});
        }
        return Outcome::Ended;
    }
    return session.peer().heard_message(3) ? Outcome::Unimplemented : Outcome::Taken;
}

Outcome expected(const State& state, int number) {
    if (state.legal.contains(number)) return number == 1 ? Outcome::Goodbye : Outcome::Taken;
    if (kAssigned.contains(number)) return Outcome::Ended;
    return state.answers_unknown ? Outcome::Unimplemented : Outcome::Ended;
}

// --- the states ---

ssh::Ticket asked(RawSession& session) { return session.last<ssh::AuthRequested>()->ticket; }

std::vector<State> before_encryption() {
    const auto at = [](Step step) { return [step](RawSession& s) { s.advance_to(step); }; };
    std::vector<State> states;
    for (const Role role : {Role::Server, Role::Client}) {
        const bool server = role == Role::Server;
        // RFC 4253 §11.2 would allow noise before KEXINIT; whether the exchange is strict is not known yet, and strict forbids it.
        states.push_back(
            {.name = "identified", .role = role, .reach = at(Step::Identified), .legal = kDisconnect + kKexInit});
        for (const bool strict : {true, false}) {
            const std::string name = strict ? ", strict" : ", not strict";
            const RawPeer::Options peer{.strict = strict};
            // RFC 4253 §7.1: between KEXINIT and NEWKEYS nothing but 1–19 (not 5 and 6) and the exchange; strict: not even those.
            const Numbers around = strict ? kDisconnect : kDisconnect + kNoise;
            states.push_back({.name = "KEXINIT taken" + name,
                .role = role,
                .reach = at(Step::Offered),
                .legal = around + Numbers{server ? 30 : 31},
                .peer = peer});
            // The server waits for its signature, and the client may only be patient; the client has verified, and NEWKEYS is due.
            states.push_back({.name = "undecided" + name,
                .role = role,
                .reach = at(Step::Undecided),
                .legal = server ? around : around + Numbers{21},
                .peer = peer});
            states.push_back({.name = "decided" + name,
                .role = role,
                .reach = at(Step::Decided),
                .legal = around + Numbers{21},
                .peer = peer});
            const RawPeer::Options group{.kex = "diffie-hellman-group-exchange-sha256", .strict = strict};
            states.push_back({.name = "group exchange" + name,
                .role = role,
                .reach = at(Step::Offered),
                .legal = around + Numbers{server ? 34 : 31},
                .peer = group});
            const auto group_agreed = [server](RawSession& s) {
                s.advance_to(Step::Offered);
                const auto known = crypto::choose_known_group(2048, 2048, 2048)->group;
                s.say(server ? encode(ssh::KexGroupRequest{2048, 2048, 2048}) : ssh::encode_kex_group(known));
            };
            states.push_back({.name = "group agreed" + name,
                .role = role,
                .reach = group_agreed,
                .legal = around + Numbers{server ? 32 : 33},
                .peer = group,
                .wrong_inside = server ? Numbers{} : Numbers{33}});
        }
    }
    states.push_back({.name = "group to be judged",
        .role = Role::Client,
        .reach =
            [](RawSession& s) {
                s.advance_to(Step::Offered);
                auto other = crypto::choose_known_group(2048, 2048, 2048)->group;
                other.generator = Bytes{std::byte{5}};
                s.say(ssh::encode_kex_group(other));
            },
        .legal = kDisconnect,
        .peer = {.kex = "diffie-hellman-group-exchange-sha256"},
        .config = {.judge_groups = true}});
    return states;
}

std::vector<State> server_sign_in() {
    const auto authenticating = [](RawSession& s) { s.advance_to(Step::Authenticating); };
    const auto asks = [](std::function<Bytes(RawSession&)> request) {
        return [request](RawSession& s) {
            s.advance_to(Step::Authenticating);
            s.say(request(s));
        };
    };
    const auto interactive = [](RawSession&) { return ssh::encode_interactive_request("alice", ""); };
    const auto prompted = [](RawSession& s) {
        s.advance_to(Step::Authenticating);
        s.say(ssh::encode_interactive_request("alice", ""));
        (void)s.submit(ssh::SendPrompts{asked(s), "", "", {{"Code: ", false}}});
    };
    const Numbers open = kGeneric + Numbers{5, 50};
    std::vector<State> states{
        // RFC 8308 §2.4: a client's EXT_INFO is the next packet after its NEWKEYS; RFC 4253 §10 for the service.
        {.name = "encrypted",
            .role = Role::Server,
            .reach = [](RawSession& s) { s.advance_to(Step::Encrypted); },
            .legal = kGeneric + Numbers{5, 7}},
        {.name = "service granted", .role = Role::Server, .reach = authenticating, .legal = open},
        {.name = "none asked",
            .role = Role::Server,
            .reach = asks([](RawSession&) { return ssh::encode_userauth_none("alice"); }),
            .legal = open},
        {.name = "key query asked",
            .role = Role::Server,
            .reach = asks([](RawSession&) { return RawSession::key_query(); }),
            .legal = open},
        {.name = "signed request asked",
            .role = Role::Server,
            .reach = asks([](RawSession& s) { return s.signed_request(); }),
            .legal = open},
        {.name = "interactive asked", .role = Role::Server, .reach = asks(interactive), .legal = open},
        // RFC 4256 §3.4; a client may also give up with another request (§3.1).
        {.name = "prompts outstanding", .role = Role::Server, .reach = prompted, .legal = open + Numbers{61}},
        {.name = "prompts answered",
            .role = Role::Server,
            .reach =
                [prompted](RawSession& s) {
                    prompted(s);
                    s.say(wire::Writer().byte(61).u32(1).string("x").take());
                },
            .legal = open},
        {.name = "refused",
            .role = Role::Server,
            .reach =
                [](RawSession& s) {
                    s.advance_to(Step::Authenticating);
                    s.say(s.signed_request());
                    (void)s.submit(ssh::RejectAuth{asked(s), {"publickey"}, false});
                },
            .legal = open},
    };
    for (State& state : states) state.answers_unknown = true;
    // A key exchange in the midst of it: nothing of the sign-in until it is over.
    states.push_back({.name = "exchange during sign-in",
        .role = Role::Server,
        .reach =
            [](RawSession& s) {
                s.advance_to(Step::Authenticating);
                s.peer().send_kexinit();
                s.carry();
            },
        .legal = kDisconnect + kNoise + Numbers{30}});
    return states;
}

std::vector<State> client_sign_in() {
    const auto encrypted = [](RawSession& s) { s.advance_to(Step::Encrypted); };
    const auto undecided = [](RawSession& s) {
        s.advance_to(Step::Undecided);
        s.peer().send_new_keys();
        s.carry();
    };
    const auto then = [](std::function<void(RawSession&)> command) {
        return [command](RawSession& s) {
            s.advance_to(Step::Authenticating);
            command(s);
        };
    };
    const auto try_key = [](RawSession& s) {
        const keys::PublicKey& key = RawSession::user_key().public_key();
        (void)s.submit(ssh::TryPublicKey{"ssh-ed25519", base::to_bytes(key.blob())});
    };
    const auto sign = [try_key](RawSession& s) {
        try_key(s);
        const auto* wanted = s.last<ssh::UserSignatureWanted>();
        (void)s.submit(ssh::ProvideSignature{wanted->ticket, *RawSession::user_key().sign("ssh-ed25519", wanted->data)});
    };
    const auto password = [](RawSession& s) { (void)s.submit(ssh::TryPassword{Secret(base::view("secret")), {}}); };
    const auto interactive = [](RawSession& s) { (void)s.submit(ssh::TryKeyboardInteractive{}); };
    const Bytes info_request = encode(ssh::InfoRequest{"", "", {{"Code: ", false}}});
    const auto prompted = [interactive, info_request](RawSession& s) {
        interactive(s);
        s.say(info_request);
    };
    const Bytes change = wire::Writer().byte(60).string("Change it").string("").take();
    // RFC 4252 §5.4: a banner at any time before success. RFC 8308 §2.4: the server's second EXT_INFO until then.
    const Numbers quiet = kGeneric + Numbers{7, 53};
    const Numbers waiting = quiet + Numbers{51, 52};
    const ssh::Config begins{.ask_methods = false};
    const ssh::Config early{.ask_methods = false, .begin_early = true};
    std::vector<State> states{
        // The server's NEWKEYS came before the owner has judged its key: our half of the exchange is not over, so no other begins.
        {.name = "encrypted, host key undecided",
            .role = Role::Client,
            .reach = undecided,
            .legal = kGeneric - kKexInit + Numbers{7},
            .holds_answers = true},
        {.name = "service asked for", .role = Role::Client, .reach = encrypted, .legal = kGeneric + Numbers{6, 7}},
        {.name = "service asked for, signed request sent",
            .role = Role::Client,
            .reach =
                [encrypted, sign](RawSession& s) {
                    encrypted(s);
                    sign(s);
                },
            .legal = kGeneric + Numbers{6, 7},
            .config = early},
        {.name = "none sent", .role = Role::Client, .reach = then([](RawSession&) {}), .legal = waiting},
        {.name = "nothing sent", .role = Role::Client, .reach = then([](RawSession&) {}), .legal = quiet, .config = begins},
        {.name = "refused",
            .role = Role::Client,
            .reach = then([](RawSession& s) { s.say(encode(ssh::UserauthFailure{{"publickey"}, false})); }),
            .legal = quiet},
        {.name = "signature outstanding", .role = Role::Client, .reach = then(try_key), .legal = quiet, .config = begins},
        // Each attempt of ours is signed: RFC 4252 §7 has PK_OK for queries only.
        {.name = "signed request sent", .role = Role::Client, .reach = then(sign), .legal = waiting, .config = begins},
        {.name = "password sent",
            .role = Role::Client,
            .reach = then(password),
            .legal = waiting + Numbers{60},
            .config = begins,
            .method_message = change},
        {.name = "password to be changed",
            .role = Role::Client,
            .reach = then([password, change](RawSession& s) {
                password(s);
                s.say(change);
            }),
            .legal = quiet,
            .config = begins,
            .method_message = change},
        {.name = "interactive sent",
            .role = Role::Client,
            .reach = then(interactive),
            .legal = waiting + Numbers{60},
            .config = begins,
            .method_message = info_request},
        {.name = "prompts outstanding",
            .role = Role::Client,
            .reach = then(prompted),
            .legal = quiet,
            .config = begins,
            .method_message = info_request},
        {.name = "prompts answered",
            .role = Role::Client,
            .reach = then([prompted](RawSession& s) {
                prompted(s);
                ssh::AnswerPrompts answers{s.last<ssh::PromptsReceived>()->ticket, {}};
                answers.answers.emplace_back(base::view("1"));
                (void)s.submit(std::move(answers));
            }),
            .legal = waiting + Numbers{60},
            .config = begins,
            .method_message = info_request},
    };
    for (State& state : states) state.answers_unknown = true;
    states.push_back({.name = "exchange during sign-in",
        .role = Role::Client,
        .reach = then([](RawSession& s) {
            s.peer().send_kexinit();
            s.carry();
        }),
        .legal = kDisconnect + kNoise + Numbers{31}});
    return states;
}

/// A channel that is open (ours: 0), one being opened by us (1), and an answer outstanding of every kind.
void with_channels(RawSession& s) {
    s.advance_to(Step::Connected);
    s.say(RawSession::open_channel(7));
    (void)s.submit(ssh::AcceptChannel{s.last<ssh::ChannelOpenRequested>()->channel, {}});
    (void)s.submit(ssh::OpenChannel{*s.engine().new_channel(), "session", {}});
    (void)s.submit(ssh::SendRequest{ssh::ChannelId{0}, "exec", true, {}});
    (void)s.submit(ssh::SendGlobalRequest{"keepalive@openssh.com", true, {}});
}

std::vector<State> connected(Role role) {
    const bool server = role == Role::Server;
    // RFC 4252 §5.1: a client's requests after success "SHOULD be silently ignored".
    const Numbers late = server ? Numbers{50} : Numbers{};
    const Numbers all = kConnection + late + kOnAChannel + kAnswers;
    // RFC 4253 §7.1 forbids the connection's messages while keys are exchanged; docs/PROTOCOL.md says why they are taken.
    const Numbers exchanging = kDisconnect + kNoise + Numbers{80, 90} + kOnAChannel + kAnswers;
    const auto by_peer = [](RawSession& s) {
        with_channels(s);
        s.peer().send_kexinit();
        s.carry();
    };
    const auto shared = [by_peer](RawSession& s) {
        by_peer(s);
        s.told.clear();
        s.send_peer_share();
    };
    std::vector<State> states{
        {.name = "signed in",
            .role = role,
            .reach = [](RawSession& s) { s.advance_to(Step::Connected); },
            .legal = kConnection + late,
            .answers_unknown = true},
        {.name = "channels", .role = role, .reach = with_channels, .legal = all, .answers_unknown = true, .opening = 1},
        {.name = "after EOF",
            .role = role,
            .reach =
                [](RawSession& s) {
                    with_channels(s);
                    s.say(ssh::encode_channel_only(ssh::Message::ChannelEof, 0));
                },
            .legal = all - Numbers{94, 95, 96},
            .answers_unknown = true,
            .opening = 1},
        {.name = "after CLOSE",
            .role = role,
            .reach =
                [](RawSession& s) {
                    with_channels(s);
                    s.say(ssh::encode_channel_only(ssh::Message::ChannelClose, 0));
                },
            .legal = kConnection + late + Numbers{81, 82, 91, 92},
            .answers_unknown = true,
            .opening = 1},
        {.name = "exchange begun by us",
            .role = role,
            .reach =
                [](RawSession& s) {
                    with_channels(s);
                    (void)s.submit(ssh::Rekey{});
                },
            .legal = all,
            .answers_unknown = true,
            .holds_answers = true,
            .opening = 1},
        {.name = "exchange begun by the peer",
            .role = role,
            .reach = by_peer,
            .legal = exchanging + Numbers{server ? 30 : 31},
            .opening = 1},
        {.name = "shares exchanged",
            .role = role,
            .reach = shared,
            // Server: the signature is outstanding. Client: the key is the known one, NEWKEYS is due.
            .legal = server ? exchanging : exchanging + Numbers{21},
            .opening = 1},
    };
    if (server) {
        states.push_back({.name = "NEWKEYS due",
            .role = role,
            .reach =
                [shared](RawSession& s) {
                    shared(s);
                    s.provide_host_signature();
                },
            .legal = exchanging + Numbers{21},
            .opening = 1});
    }
    return states;
}

void check(const State& state, int number) {
    RawSession session(
        [&] {
            ssh::Config config = state.config;
            config.role = state.role;
            return config;
        }(),
        state.peer);
    state.reach(session);
    ASSERT_FALSE(session.engine().over()) << session.last<ssh::Disconnected>()->text;
    const Outcome wanted = expected(state, number);
    const Outcome got = tell(session, plausible(number, session, state));
    if (state.wrong_inside.contains(number)) {
        ASSERT_EQ(got, Outcome::Ended);
        EXPECT_EQ(session.last<ssh::Disconnected>()->text.find("unexpected message"), std::string::npos);
        return;
    }
    if (state.holds_answers && wanted == Outcome::Unimplemented) {
        EXPECT_EQ(got, Outcome::Taken);  // the answer is held back
        return;
    }
    EXPECT_EQ(got, wanted) << "it was " << text(got);
}

/// Without fields, and with fields that are noise: what is illegal stays so, and what has fields is refused.
void check_malformed(const State& state, int number) {
    for (const bool noise : {false, true}) {
        ssh::Config config = state.config;
        config.role = state.role;
        RawSession session(std::move(config), state.peer);
        state.reach(session);
        Bytes payload{static_cast<std::byte>(number)};
        if (noise) {
            payload.resize(70);
            crypto::TestRandom random(static_cast<std::uint64_t>(number) * 1000 + state.name.size());
            random.fill(MutableBytes(payload).subspan(1));
            payload[1] = std::byte{0xff};  // a first field of 4 GB, or a channel that is not there
        }
        const Outcome got = tell(session, payload);
        if (state.legal.contains(number) && kWithoutFields.contains(number)) continue;
        if (state.legal.contains(number) && number == 50 && session.engine().authenticated()) continue;  // ignored unread
        // A request is read when its turn comes: one more is only queued while another is asked.
        if (state.legal.contains(number) && number == 50 && got == Outcome::Taken) continue;
        if (number == 1 && noise) continue;  // a reason and an unreadable text, or not: over in any case
        EXPECT_EQ(got, Outcome::Ended) << (noise ? "with noise" : "with nothing") << " it was " << text(got);
    }
}

class StateMachine : public ::testing::TestWithParam<State> {};

TEST_P(StateMachine, TakesWhatTheStandardsAllowAndNothingElse) {
    for (int number = 0; number < 256; ++number) {
        SCOPED_TRACE("message " + std::to_string(number));
        check(GetParam(), number);
    }
}

TEST_P(StateMachine, RefusesMalformedMessages) {
    for (const int number : kAssigned) {
        SCOPED_TRACE("message " + std::to_string(number));
        check_malformed(GetParam(), number);
    }
}

std::string name_of(const ::testing::TestParamInfo<State>& test) {
    std::string name = (test.param.role == Role::Server ? "server " : "client ") + test.param.name;
    std::string out;
    bool upper = true;
    for (const char c : name) {
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) {
            upper = true;
            continue;
        }
        out += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
        upper = false;
    }
    return out;
}

INSTANTIATE_TEST_SUITE_P(BeforeEncryption, StateMachine, ::testing::ValuesIn(before_encryption()), name_of);
INSTANTIATE_TEST_SUITE_P(ServerSignIn, StateMachine, ::testing::ValuesIn(server_sign_in()), name_of);
INSTANTIATE_TEST_SUITE_P(ClientSignIn, StateMachine, ::testing::ValuesIn(client_sign_in()), name_of);
INSTANTIATE_TEST_SUITE_P(ServerConnected, StateMachine, ::testing::ValuesIn(connected(Role::Server)), name_of);
INSTANTIATE_TEST_SUITE_P(ClientConnected, StateMachine, ::testing::ValuesIn(connected(Role::Client)), name_of);

// --- states without an exchange, or after everything ---

TEST(StateMachineEnds, NothingIsTakenBeforeTheIdentification) {
    for (const Role role : {Role::Server, Role::Client}) {
        for (int number = 0; number < 256; ++number) {
            RawSession session({.role = role});
            Bytes payload = plausible(number, session, State{});
            // A line feed in there would end a line of text, which a server may send before its identification.
            std::ranges::replace(payload, std::byte{'\n'}, std::byte{0});
            payload[0] = static_cast<std::byte>(number);
            if (number == '\n') payload.resize(1);
            session.peer().send(payload);
            session.peer().send(Bytes(wire::limits::kIdentificationLine, std::byte{'x'}));
            EXPECT_FALSE(session.carry()) << number;
            EXPECT_EQ(session.count<ssh::PeerIdentified>(), 0U);
            EXPECT_EQ(session.told.size(), 1U);  // Disconnected
        }
    }
}

TEST(StateMachineEnds, NothingIsTakenAfterTheEnd) {
    for (const Role role : {Role::Server, Role::Client}) {
        for (const bool by_peer : {true, false}) {
            for (int number = 0; number < 256; ++number) {
                RawSession session({.role = role});
                with_channels(session);
                const State state{.opening = 1};
                if (by_peer) {
                    session.say(plausible(1, session, state));
                } else {
                    (void)session.submit(ssh::Disconnect{ssh::DisconnectReason::ByApplication, "over"});
                }
                ASSERT_TRUE(session.engine().over());
                session.told.clear();
                session.peer().send(plausible(number, session, state));
                Bytes packet = session.peer().take_output();
                EXPECT_FALSE(session.engine().feed(packet, session.now()).has_value());
                EXPECT_FALSE(session.engine().next_event().has_value());
                EXPECT_TRUE(session.engine().output().empty());
            }
        }
    }
}

TEST(StateMachineEnds, OfAWrongGuessOnlyAnExchangeMessageIsDropped) {
    // RFC 4253 §7: the guessed packet "MUST be silently ignored". Whatever else comes in its place is judged as ever.
    for (const bool strict : {true, false}) {
        for (int number = 0; number < 256; ++number) {
            RawSession session({.role = Role::Server}, {.strict = strict, .guess = true});
            session.advance_to(Step::Offered);
            const Outcome got = tell(session, plausible(number, session, State{}));
            const bool noise = !strict && kNoise.contains(number);
            const bool guess = number >= 30 && number <= 49;
            const Outcome otherwise = number == 1 ? Outcome::Goodbye : Outcome::Ended;
            EXPECT_EQ(got, guess || noise ? Outcome::Taken : otherwise) << number;
            if (!guess) continue;
            EXPECT_EQ(session.count<ssh::HostSignatureWanted>(), 0U) << number;
            // Only one is dropped: the next is the real share.
            session.send_peer_share();
            EXPECT_EQ(session.count<ssh::HostSignatureWanted>(), 1U) << number;
        }
    }
}

TEST(StateMachineEnds, UnimplementedNamesThePacketThatWasNotUnderstood) {
    RawSession session({.role = Role::Server});
    session.advance_to(Step::Connected);
    for (const int number : {0, 8, 150, 255}) {
        const std::uint32_t sequence = session.peer().next_sequence();  // strict: they count from NEWKEYS
        session.peer().heard.clear();
        session.say(Bytes{static_cast<std::byte>(number)});
        ASSERT_TRUE(session.peer().heard_message(3));
        EXPECT_EQ(*session.peer().last_heard(3), ssh::encode_unimplemented(sequence));
    }
}

}  // namespace
}  // namespace sekisho
