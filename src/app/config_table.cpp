#include "app/config_table.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "app/config_telling.h"
#include "app/config_upload.h"
#include "base/duration.h"
#include "base/network.h"
#include "identity/user_certificate.h"
#include "model/pattern.h"
#include "recording/seal.h"
#include "s3/place.h"
#include "store/store.h"

namespace sekisho::app {
namespace {

using model::Config;
using namespace std::chrono_literals;

std::string fine(const Config&) { return {}; }

std::string wrong_path(std::string_view path) {
    if (path.empty() || path.size() > 4096 || path.find('\0') != std::string_view::npos) return "a path is wanted";
    return {};
}

std::string wrong_listen(const Config& config) {
    if (config.ssh.listen.empty()) return "at least one address is wanted";
    for (const std::string& address : config.ssh.listen) {
        if (!base::parse_host_port(address)) return fmt::format("\"{}\" is not host:port or [IPv6]:port", address);
    }
    return {};
}

std::string wrong_host_keys(const Config& config) {
    if (config.ssh.host_keys.empty()) return "at least one host key is wanted";
    for (const std::string& path : config.ssh.host_keys) {
        if (std::string wrong = wrong_path(path); !wrong.empty()) return wrong;
    }
    return {};
}

std::string wrong_paths(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) {
        if (std::string wrong = wrong_path(path); !wrong.empty()) return wrong;
    }
    return {};
}

std::string wrong_user_ca(const Config& config) {
    const auto parsed = identity::parse_authorities(config.ssh.user_ca);
    return parsed ? std::string() : parsed.error().text;
}

std::string wrong_socket(const Config& config) {
    if (std::string wrong = wrong_path(config.admin_socket); !wrong.empty()) return wrong;
    if (config.path(config.admin_socket).size() > 107) return "longer than the 107 bytes that a Unix socket's name may have";
    return {};
}

std::string wrong_accounts(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        const std::string_view plain = std::string_view(name).substr(name.starts_with('@') ? 1 : 0);
        const bool odd = plain.empty() || plain.size() > 256 || std::ranges::any_of(plain, [](char c) {
            return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == ':' || c == '@';
        });
        if (odd) return fmt::format("\"{}\" is not the name or number of an account, nor @ and one of a group", name);
    }
    return {};
}

std::string wrong_ca_listen(const Config& config) {
    if (config.ca_listen.empty()) return {};
    const auto parsed = base::parse_host_port(config.ca_listen);
    if (!parsed || !base::Address::parse(parsed->host)) return "an address and a port are wanted, for example 10.0.0.1:8022";
    return {};
}

// Its text repeats nothing of the URL, which may hold a password.
std::string wrong_store(const Config& config) { return store::wrong_store_url(config.store_url); }

std::string wrong_watch(const Config& config) {
    const bool known = config.admin.watch == "auditors" || config.admin.watch == "unsealed" || config.admin.watch == "nobody";
    return known ? "" : "auditors, unsealed or nobody is wanted";
}

std::string wrong_seal(const Config& config) {
    if (config.recording.seal_to.size() > recording::kAuditorsMost) return fmt::format("at most {} keys", recording::kAuditorsMost);
    for (const std::string& text : config.recording.seal_to) {
        if (const auto key = recording::parse_auditor_key(text); !key) return key.error().full();
    }
    return {};
}

std::string wrong_level(const Config& config) {
    constexpr std::array<std::string_view, 4> kLevels{"debug", "info", "warn", "error"};
    if (std::find(kLevels.begin(), kLevels.end(), config.log.level) == kLevels.end())
        return "debug, info, warn or error is wanted";
    return {};
}

std::string wrong_algorithms(const Config& config) {
    if (config.ssh.algorithms != "compatible" && config.ssh.algorithms != "strict") return "compatible or strict is wanted";
    return {};
}

std::string wrong_aes_gcm(const Config& config) {
    constexpr std::array<std::string_view, 3> kChoices{"auto", "openssl", "ipsec-mb"};
    if (std::find(kChoices.begin(), kChoices.end(), config.ssh.aes_gcm) == kChoices.end())
        return "auto, openssl or ipsec-mb is wanted";
    return {};
}

std::string wrong_users_from(const Config& config) {
    const std::string& url = config.users_from.url;
    constexpr std::string_view kFolder = "dir:";
    if (url.empty()) return {};
    if (url.starts_with(kFolder)) {
        const std::string path = url.substr(kFolder.size());
        return path.starts_with('/') && path != "/" ? wrong_path(path) : "dir: is followed by the absolute path of a folder";
    }
    const auto place = s3::find_place(url, config.users_from.region, config.users_from.endpoint);
    return place ? std::string() : place.error().text + "; or dir:/PATH";
}

std::string wrong_region_or_endpoint(const Config& config) {
    const auto place = s3::find_place("s3://bucket/", config.users_from.region, config.users_from.endpoint);
    return place ? std::string() : place.error().text;
}

std::string wrong_groups(const Config& config) {
    for (const std::string& group : config.users_from.groups) {
        if (!model::is_group_name(group))
            return fmt::format("\"{}\" is not a group's name: a lower-case letter, then at most 63 of a-z 0-9 - _ .", group);
    }
    return {};
}

std::string between(auto value, auto least, auto most, std::string_view range) {
    return value < least || value > most ? fmt::format("{} is wanted", range) : std::string();
}

std::string wrong_networks(const std::vector<std::string>& networks) {
    for (const std::string& text : networks) {
        if (!base::Network::parse(text)) {
            return fmt::format("\"{}\" is not an address or CIDR whose bits behind the prefix are zero, for example 10.0.0.0/8", text);
        }
    }
    return {};
}

std::string wrong_overflow(const Config& config) {
    const std::string& overflow = config.ssh.penalties.overflow;
    return overflow == "permissive" || overflow == "deny-all" ? std::string() : "permissive or deny-all is wanted";
}

std::string wrong_startups(const Config& config) {
    const model::StartupConfig& startups = config.ssh.startups;
    if (std::string wrong = between(startups.most, 1U, 1000000U, "1 to 1000000"); !wrong.empty()) return wrong;
    return startups.drop_from > startups.most ? "drop_from is more than most" : std::string();
}

/// What strangers may: source networks, ssh.startups, ssh.penalties.
void add_strangers(const auto& add) {
    add("ssh.source_bits_v4", Number([](Config& c) -> std::uint64_t& { return c.ssh.source_bits_v4; }), Reload::Live,
        "Bits of a client's IPv4 address that make its source network, which startups and penalties count.", [](const Config& c) {
            return between(c.ssh.source_bits_v4, 0U, 32U, "0 to 32");
        });
    add("ssh.source_bits_v6", Number([](Config& c) -> std::uint64_t& { return c.ssh.source_bits_v6; }), Reload::Live,
        "The same of an IPv6 address, whose owner mostly has a /64.",
        [](const Config& c) { return between(c.ssh.source_bits_v6, 0U, 128U, "0 to 128"); });
    add("ssh.startups.drop_from", Number([](Config& c) -> std::uint64_t& { return c.ssh.startups.drop_from; }), Reload::Live,
        "From so many connections on that are not signed in yet, new ones are dropped at random.", wrong_startups);
    add("ssh.startups.drop_percent", Number([](Config& c) -> std::uint64_t& { return c.ssh.startups.drop_percent; }), Reload::Live,
        "So many of a hundred are dropped then, rising evenly to all at ssh.startups.most.", [](const Config& c) {
            return between(c.ssh.startups.drop_percent, 0U, 100U, "0 to 100");
        });
    add("ssh.startups.most", Number([](Config& c) -> std::uint64_t& { return c.ssh.startups.most; }), Reload::Live,
        "The most connections that are not signed in yet.", wrong_startups);
    add("ssh.startups.most_per_source", Number([](Config& c) -> std::uint64_t& { return c.ssh.startups.most_per_source; }),
        Reload::Live, "The most of them that come from one source network. 0: no bound of their own.", fine);
    add("ssh.penalties.no_auth", Time([](Config& c) -> std::chrono::seconds& { return c.ssh.penalties.no_auth; }), Reload::Live,
        "What a source network earns for a connection that left without trying to sign in: so much longer it is turned away.",
        [](const Config& c) { return between(c.ssh.penalties.no_auth, 0s, 86400s, "0 to 1d"); });
    add("ssh.penalties.auth_fail", Time([](Config& c) -> std::chrono::seconds& { return c.ssh.penalties.auth_fail; }), Reload::Live,
        "The same for one that left after a refused attempt.",
        [](const Config& c) { return between(c.ssh.penalties.auth_fail, 0s, 86400s, "0 to 1d"); });
    add("ssh.penalties.grace_exceeded", Time([](Config& c) -> std::chrono::seconds& { return c.ssh.penalties.grace_exceeded; }),
        Reload::Live, "The same for one that was not signed in by ssh.login_grace.",
        [](const Config& c) { return between(c.ssh.penalties.grace_exceeded, 0s, 86400s, "0 to 1d"); });
    add("ssh.penalties.root", Time([](Config& c) -> std::chrono::seconds& { return c.ssh.penalties.root; }), Reload::Live,
        "The same for one that asked to be root.", [](const Config& c) { return between(c.ssh.penalties.root, 0s, 86400s, "0 to 1d"); });
    add("ssh.penalties.min", Time([](Config& c) -> std::chrono::seconds& { return c.ssh.penalties.least; }), Reload::Live,
        "A source network is turned away once more than this has gathered. Time that passes takes it away again.",
        [](const Config& c) { return between(c.ssh.penalties.least, 0s, 86400s, "0 to 1d"); });
    add("ssh.penalties.max", Time([](Config& c) -> std::chrono::seconds& { return c.ssh.penalties.most; }), Reload::Live,
        "More than this never gathers. 0: no penalties.",
        [](const Config& c) { return between(c.ssh.penalties.most, 0s, 86400s, "0 to 1d"); });
    add("ssh.penalties.max_sources", Number([](Config& c) -> std::uint64_t& { return c.ssh.penalties.max_sources; }), Reload::Live,
        "Source networks that are remembered, of IPv4 and of IPv6 each.",
        [](const Config& c) { return between(c.ssh.penalties.max_sources, 1U, 1000000U, "1 to 1000000"); });
    add("ssh.penalties.overflow", Text([](Config& c) -> std::string& { return c.ssh.penalties.overflow; }), Reload::Live,
        "When ssh.penalties.max_sources are remembered: permissive forgives the one that would end first, deny-all turns "
        "everybody away who is not exempt.",
        wrong_overflow);
    add("ssh.penalties.exempt", Texts([](Config& c) -> std::vector<std::string>& { return c.ssh.penalties.exempt; }), Reload::Live,
        "Addresses and networks (CIDR) that earn no penalties.", [](const Config& c) { return wrong_networks(c.ssh.penalties.exempt); });
}

void add_users_from(const auto& add) {
    add("users_from.url", Text([](Config& c) -> std::string& { return c.users_from.url; }), Reload::Restart,
        "Where users are kept outside of the store, one NAME.pub with their keys for each: s3://BUCKET/PREFIX/ or dir:/PATH. Whoever is "
        "taken away there is removed here, and their sessions end. Empty: nowhere.",
        wrong_users_from);
    add("users_from.every", Time([](Config& c) -> std::chrono::seconds& { return c.users_from.every; }), Reload::Live,
        "How often that is looked at; SIGHUP does it at once.",
        [](const Config& c) { return between(c.users_from.every, 1s, 86400s, "1s to 1d"); });
    add("users_from.groups", Texts([](Config& c) -> std::vector<std::string>& { return c.users_from.groups; }), Reload::Live,
        "Groups of every user that comes from there, for the rules to name.", wrong_groups);
    add("users_from.region", Text([](Config& c) -> std::string& { return c.users_from.region; }), Reload::Restart,
        "Region of the bucket.", wrong_region_or_endpoint);
    add("users_from.endpoint", Text([](Config& c) -> std::string& { return c.users_from.endpoint; }), Reload::Restart,
        "A server that speaks like S3, instead of AWS: https://HOST[:PORT]. http is for this machine only.",
        wrong_region_or_endpoint);
    add("users_from.access_key_file", Text([](Config& c) -> std::string& { return c.users_from.access_key_file; }),
        Reload::Restart,
        "File, relative to data_dir and readable by nobody else, with aws_access_key_id = … and aws_secret_access_key = …. Empty: "
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the environment, or the role of the EC2 instance.");
    add("users_from.ca_file", Text([](Config& c) -> std::string& { return c.users_from.ca_file; }), Reload::Restart,
        "PEM file, relative to data_dir, of the authorities that vouch for the endpoint. Empty: the system's.");
    add("users_from.change_log", Text([](Config& c) -> std::string& { return c.users_from.change_log; }), Reload::Restart,
        "Log of created and removed users, relative to data_dir. The gateway may write whatever is in its folder: let that hold logs only.",
        [](const Config& c) { return wrong_path(c.users_from.change_log); });
    add("users_from.on_empty", Text([](Config& c) -> std::string& { return c.users_from.on_empty; }), Reload::Live,
        "What a whole listing without a single user means: a mistake, so everybody stays and the log says so (keep), or that "
        "everybody goes (remove).",
        [](const Config& c) {
            return c.users_from.on_empty == "keep" || c.users_from.on_empty == "remove" ? std::string() : "keep or remove is wanted";
        });
}

std::vector<ConfigKey> make_keys() {
    std::vector<ConfigKey> keys;
    const auto add = [&](std::string_view key, Place place, Reload reload, std::string_view help,
                         std::string (*wrong)(const Config&) = fine) { keys.push_back({key, place, reload, help, wrong}); };
    add("data_dir", Text([](Config& c) -> std::string& { return c.data_dir; }), Reload::Restart,
        "Folder of keys, store and recordings. Readable by nobody else.",
        [](const Config& c) { return c.data_dir.starts_with('/') ? wrong_path(c.data_dir) : "an absolute path is wanted"; });
    add("loops", Number([](Config& c) -> std::uint64_t& { return c.loops; }), Reload::Restart,
        "Event loops, each on its own thread. 0: one for each core.",
        [](const Config& c) { return between(c.loops, 0U, 256U, "0 to 256"); });

    add("ssh.listen", Texts([](Config& c) -> std::vector<std::string>& { return c.ssh.listen; }), Reload::Restart,
        "Addresses and ports where clients connect.", wrong_listen);
    add("ssh.host_keys", Texts([](Config& c) -> std::vector<std::string>& { return c.ssh.host_keys; }), Reload::NewSessions,
        "Host key files, relative to data_dir. A certificate beside one (KEY-cert.pub) is presented too.", wrong_host_keys);
    add("ssh.user_ca", Texts([](Config& c) -> std::vector<std::string>& { return c.ssh.user_ca; }), Reload::Live,
        "Public keys of authorities whose user certificates are accepted, for the users whom they name (name or e-mail).",
        wrong_user_ca);
    add("ssh.revoked_keys", Texts([](Config& c) -> std::vector<std::string>& { return c.ssh.revoked_keys; }), Reload::Live,
        "Files, relative to data_dir, of keys and certificates of users that no longer count: KRLs (ssh-keygen -k) or public "
        "keys. While one cannot be read, nobody signs in.",
        [](const Config& c) { return wrong_paths(c.ssh.revoked_keys); });
    add("ssh.login_grace", Time([](Config& c) -> std::chrono::seconds& { return c.ssh.login_grace; }), Reload::NewSessions,
        "A connection that is not signed in by then ends.",
        [](const Config& c) { return between(c.ssh.login_grace, 1s, 3600s, "1s to 1h"); });
    add("ssh.auth_attempts", Number([](Config& c) -> std::uint64_t& { return c.ssh.auth_attempts; }), Reload::NewSessions,
        "Refused attempts to sign in before the connection ends.",
        [](const Config& c) { return between(c.ssh.auth_attempts, 1U, 100U, "1 to 100"); });
    add("ssh.keepalive", Time([](Config& c) -> std::chrono::seconds& { return c.ssh.keepalive; }), Reload::NewSessions,
        "Silence of a hop before it is asked whether it is there. 0: never.",
        [](const Config& c) { return between(c.ssh.keepalive, 0s, 86400s, "0 to 1d"); });
    add("ssh.keepalive_count", Number([](Config& c) -> std::uint64_t& { return c.ssh.keepalive_count; }),
        Reload::NewSessions, "Unanswered questions before a hop counts as dead.",
        [](const Config& c) { return between(c.ssh.keepalive_count, 1U, 100U, "1 to 100"); });
    add("ssh.rekey_bytes", ByteCount{[](Config& c) -> std::uint64_t& { return c.ssh.rekey_bytes; }}, Reload::NewSessions,
        "New keys after so many bytes in either direction.",
        [](const Config& c) { return between(c.ssh.rekey_bytes, 1ULL << 20, 1ULL << 36, "1M to 64G"); });
    add("ssh.rekey_time", Time([](Config& c) -> std::chrono::seconds& { return c.ssh.rekey_time; }), Reload::NewSessions,
        "New keys after so much time.", [](const Config& c) { return between(c.ssh.rekey_time, 10s, 86400s, "10s to 1d"); });
    add("ssh.algorithms", Text([](Config& c) -> std::string& { return c.ssh.algorithms; }), Reload::NewSessions,
        "What is offered to clients and targets. compatible: whatever is not broken. strict: only what auditors have nothing against "
        "(post-quantum exchanges, no NIST curves, AEAD or encrypt-then-MAC), for clients like OpenSSH 9.0 and an Ed25519 or RSA host key.",
        wrong_algorithms);
    add("ssh.aes_gcm", Text([](Config& c) -> std::string& { return c.ssh.aes_gcm; }), Reload::Restart,
        "The library that encrypts with AES-GCM: openssl, ipsec-mb (x86-64 with AVX-512 or AVX2), or auto, the faster one that is there.",
        wrong_aes_gcm);
    add("ssh.max_connections", Number([](Config& c) -> std::uint64_t& { return c.ssh.max_connections; }),
        Reload::NewSessions, "Client connections at once.",
        [](const Config& c) { return between(c.ssh.max_connections, 1U, 1000000U, "1 to 1000000"); });
    add("ssh.max_channels", Number([](Config& c) -> std::uint64_t& { return c.ssh.max_channels; }), Reload::NewSessions,
        "Channels of one connection at once.",
        [](const Config& c) { return between(c.ssh.max_channels, 1U, 10000U, "1 to 10000"); });

    add("ssh.proxy_protocol", Texts([](Config& c) -> std::vector<std::string>& { return c.ssh.proxy_protocol; }), Reload::NewSessions,
        "Networks of load balancers that say in front of each connection for whom it is (HAProxy's PROXY protocol, v1 or v2). From there "
        "it is demanded, from elsewhere never read.",
        [](const Config& c) { return wrong_networks(c.ssh.proxy_protocol); });
    add_strangers(add);

    add("target.connect_timeout", Time([](Config& c) -> std::chrono::seconds& { return c.target.connect_timeout; }),
        Reload::NewSessions, "Time to find and reach a target.",
        [](const Config& c) { return between(c.target.connect_timeout, 1s, 600s, "1s to 10m"); });
    add("target.login_timeout", Time([](Config& c) -> std::chrono::seconds& { return c.target.login_timeout; }),
        Reload::NewSessions, "Time for key exchange and sign-in at a target.",
        [](const Config& c) { return between(c.target.login_timeout, 1s, 600s, "1s to 10m"); });
    add("target.revoked_host_keys",
        Texts([](Config& c) -> std::vector<std::string>& { return c.target.revoked_host_keys; }), Reload::Live,
        "The same for host keys and host certificates of targets. While one cannot be read, no target is trusted.",
        [](const Config& c) { return wrong_paths(c.target.revoked_host_keys); });
    add("target.certificate_life", Time([](Config& c) -> std::chrono::seconds& { return c.target.certificate_life; }),
        Reload::NewSessions, "How long the certificate for a target is valid ahead of now.",
        [](const Config& c) { return between(c.target.certificate_life, 5s, 60s, "5s to 60s"); });

    add("admin.socket", Text([](Config& c) -> std::string& { return c.admin_socket; }), Reload::Restart,
        "Unix socket of the admin API, relative to data_dir. Root, the gateway's own account and those named below may use it.",
        wrong_socket);
    add("admin.admins", Texts([](Config& c) -> std::vector<std::string>& { return c.admin.admins; }), Reload::Restart,
        "Accounts of this machine (names, numbers, @GROUP) that may do everything, besides root and the gateway's own.",
        [](const Config& c) { return wrong_accounts(c.admin.admins); });
    add("admin.auditors", Texts([](Config& c) -> std::vector<std::string>& { return c.admin.auditors; }), Reload::Restart,
        "Accounts that may read everything, recordings too, and change nothing.",
        [](const Config& c) { return wrong_accounts(c.admin.auditors); });
    add("admin.operators", Texts([](Config& c) -> std::vector<std::string>& { return c.admin.operators; }), Reload::Restart,
        "Accounts that may look, and end sessions. They read no recording and change no access.",
        [](const Config& c) { return wrong_accounts(c.admin.operators); });
    add("admin.watch", Text([](Config& c) -> std::string& { return c.admin.watch; }), Reload::Restart,
        "Who may watch live sessions (`sekisho sessions watch`): auditors (and admins), unsealed (they, but only where recordings are not "
        "sealed, because a watcher needs no auditor's key), or nobody.",
        wrong_watch);
    add("ca.listen", Text([](Config& c) -> std::string& { return c.ca_listen; }), Reload::Restart,
        "Address and port where targets fetch the CA's public keys by plain HTTP, GET /ca.pub, and nothing else. Empty: nowhere.",
        wrong_ca_listen);
    add("store.url", Text([](Config& c) -> std::string& { return c.store_url; }), Reload::Restart,
        "sqlite:FILE, the file relative to data_dir; or postgresql://USER@HOST:PORT/DATABASE, with libpq's options behind a question "
        "mark, for example passfile=/etc/sekisho/pgpass for the password and sslmode=verify-full.",
        wrong_store);

    add("recording.dir", Text([](Config& c) -> std::string& { return c.recording.dir; }), Reload::Restart,
        "Folder of recordings, relative to data_dir.", [](const Config& c) { return wrong_path(c.recording.dir); });
    add("recording.seal_to", Texts([](Config& c) -> std::vector<std::string>& { return c.recording.seal_to; }),
        Reload::Restart,
        "Public keys of the auditors (`sekisho keygen`): what is recorded is sealed to each of them, and nobody else reads it. None: "
        "readable with file permissions only.",
        wrong_seal);
    add("recording.on_failure", FailureAnswer([](Config& c) -> model::OnFailure& { return c.recording.on_failure; }),
        Reload::NewSessions,
        "When evidence cannot be written: refuse new sessions and end those it hits (refuse), end those it hits (end), or "
        "go on "
        "and say so in log and audit (alarm). A rule may say otherwise.");

    add_upload_keys(keys);
    add_users_from(add);

    add("log.level", Text([](Config& c) -> std::string& { return c.log.level; }), Reload::Live,
        "What the log on stderr shows: debug, info, warn or error.", wrong_level);
    add("log.monthly.dir", Text([](Config& c) -> std::string& { return c.log.monthly_dir; }), Reload::Live,
        "Folder of the monthly log of sessions, sshfw-YYYYMM.log. Empty: none.");
    add_telling_keys(keys);
    return keys;
}

template <class Unit, std::size_t N>
Result<std::uint64_t> with_unit(
    std::string_view text, const std::array<std::pair<Unit, std::uint64_t>, N>& units, std::string_view form) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc()) return fail(std::string(form));
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    for (const auto& [name, factor] : units) {
        if (unit != name) continue;
        if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / factor)
            return fail(std::string(form));
        return value * factor;
    }
    if (unit.empty() && value == 0) return 0U;
    return fail(std::string(form));
}

constexpr std::array<std::pair<std::string_view, std::uint64_t>, 5> kBytes{
    {{"T", 1ULL << 40}, {"G", 1ULL << 30}, {"M", 1ULL << 20}, {"K", 1ULL << 10}, {"", 1}}};

}  // namespace

const std::vector<ConfigKey>& config_keys() {
    static const std::vector<ConfigKey> keys = make_keys();
    return keys;
}

Result<std::chrono::seconds> parse_time(std::string_view text) { return base::parse_duration(text); }

std::string time_text(std::chrono::seconds time) { return base::duration_text(time); }

Result<std::uint64_t> parse_bytes(std::string_view text) {
    return with_unit(text, kBytes, "a number of bytes is wanted, for example \"64M\" or \"1G\"");
}

std::string bytes_text(std::uint64_t bytes) {
    for (const auto& [unit, factor] : kBytes) {
        if (bytes != 0 && bytes % factor == 0) return fmt::format("{}{}", bytes / factor, unit);
    }
    return "0";
}

}  // namespace sekisho::app
