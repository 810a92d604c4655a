// Who may do what, as values: users, targets, rules (words of the product). Read from access files, kept by the store,
// judged by policy. An Access is immutable once shared; the gateway swaps whole snapshots.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/contents.h"

namespace sekisho::model {

constexpr std::size_t kCapabilityCount = 11;
enum class Capability { Shell, Exec, Sftp, Scp, LocalForward, RemoteForward, UdpForward, SocketForward, Agent, X11, Vpn };
std::optional<Capability> parse_capability(std::string_view name);  // "shell", "local-forward" …
std::string_view name(Capability capability);

enum class RecordLevel { Full, Commands, Metadata };
enum class OnFailure { Refuse, End, Alarm };
enum class TargetAuth { Certificate, Agent, Key, Password, Passthrough };
std::string_view name(RecordLevel level);
std::string_view name(OnFailure on_failure);
std::string_view name(TargetAuth auth);
std::optional<RecordLevel> parse_record_level(std::string_view text);
std::optional<OnFailure> parse_on_failure(std::string_view text);
std::optional<TargetAuth> parse_target_auth(std::string_view text);

struct User {
    std::string name;  // ^[a-z][-a-z0-9_.]{0,63}$
    std::string email;
    std::vector<std::string> groups;
    std::vector<std::string> keys;  // authorized_keys lines, with options
    bool locked = false;
    std::string expires;  // RFC 3339 or empty
    std::string origin;  // the object that `users_from` keeps this user in ("public-keys/alice.pub"); empty: made here
    friend bool operator==(const User&, const User&) = default;
};

struct Target {
    std::string name;
    std::string address;  // host:port, [v6]:port
    std::vector<std::string> logins;  // names, {user}, {email_prefix} (own_login.h); the first is the default
    std::vector<std::string> principals;  // what certificates name; empty: the login
    TargetAuth auth = TargetAuth::Certificate;
    std::vector<std::string> host_keys;  // pinned public key lines
    std::vector<std::string> host_ca;    // host CA public key lines
    bool trust_first_use = false;
    std::vector<std::string> route;
    std::map<std::string, std::string> labels;
    std::map<std::string, std::string> set_env;
    bool legacy = false;
    friend bool operator==(const Target&, const Target&) = default;
};

struct When {
    std::vector<std::string> from;  // CIDR
    std::string hours;              // "Mon-Fri 08:00-20:00 Asia/Tokyo"; empty: always
    bool touch = false;             // the user signed in with a security key, and touched it
    friend bool operator==(const When&, const When&) = default;
};

/// What a session under a rule is bounded by; 0: not at all.
struct Limits {
    std::chrono::seconds max_time{0};   // from its START
    std::chrono::seconds idle_time{0};  // without a byte in either direction
    std::uint32_t max_sessions = 0;     // of one user under the rule, at once
    friend bool operator==(const Limits&, const Limits&) = default;
};

/// What sftp is narrowed to, request by request (sftp/watch.h).
struct SftpLimits {
    bool read_only = false;
    std::vector<std::string> paths;  // patterns (is_path_pattern); empty: every path
    bool any() const { return read_only || !paths.empty(); }
    friend bool operator==(const SftpLimits&, const SftpLimits&) = default;
};

/// What of a session goes into the searchable index, where a rule says so itself (model/activity.h has what counts otherwise).
struct Indexing {
    bool commands = false;  // by exec, and typed
    bool files = false;     // operations by sftp and scp
    friend bool operator==(const Indexing&, const Indexing&) = default;
};
/// "commands", "files", or "none"; empty where nothing is said.
std::vector<std::string> index_words(const std::optional<Indexing>& indexing);
bool is_index_word(std::string_view word);
void add_index_word(std::optional<Indexing>& indexing, std::string_view word);

struct Rule {
    std::string name;
    std::vector<std::string> users;    // names, @groups, "*"
    std::vector<std::string> targets;  // name patterns, label=value; empty: the gateway itself (forwards it dials)
    std::vector<std::string> logins;   // patterns, {user}, {email_prefix}; empty: every login the target lists
    std::vector<Capability> allow;
    std::vector<std::string> commands;  // patterns (matches_command) that `exec` is narrowed to; empty: every command
    std::vector<std::string> forward;  // host:port, CIDR:port, host:low-high, host:*
    std::vector<std::string> accept_from;  // CIDR: who may connect where the gateway listens; empty: its own machine
    SftpLimits sftp;
    RecordLevel record = RecordLevel::Full;
    std::optional<Indexing> index;  // empty: as the level and the seal have it
    Contents record_contents;
    bool record_hidden_input = false;
    std::optional<OnFailure> on_failure;  // empty: the configuration's
    When when;
    Limits limits;
    friend bool operator==(const Rule&, const Rule&) = default;
};

class RuleIndex;
/// A machine that may say who its users are: hostbased sign-in (RFC 4252 §9).
struct ClientHost {
    std::string name;  // as the client states it, without a dot at its end
    std::vector<std::string> addresses;  // CIDR; empty: any, because a ProxyCommand or a relay connects from elsewhere
    std::vector<std::string> keys;  // public key lines of its host keys
    std::vector<std::string> users;  // who may come from there: names, @groups, "*"
    std::map<std::string, std::string> accounts;  // its local account → user; empty: an account is the user of the same name
    friend bool operator==(const ClientHost&, const ClientHost&) = default;
};

/// How hosts are reached that have no route of their own: targets, and what forwards lead to.
struct Route {
    std::string name;
    std::vector<std::string> hosts;  // patterns of names, CIDR, or * for all (HostPattern)
    std::vector<std::string> via;  // as Target::route; empty: directly
    friend bool operator==(const Route&, const Route&) = default;
};

/// Whether `words` (names, @groups, "*") name this user.
bool names_user(const std::vector<std::string>& words, const User& user);

struct Access {
    std::vector<User> users;
    std::vector<Target> targets;
    std::vector<Rule> rules;
    std::vector<ClientHost> client_hosts;
    std::vector<Route> routes;  // the first that names a host counts
    std::uint64_t version = 0;  // of the store; grows with each change

    const User* user(std::string_view name) const;
    const Target* target(std::string_view name) const;

    /// Builds the indexes by name and of the rules, after the last change of the lists. Without it the look-ups search, and
    /// rule_index() reads all rules each time.
    void index();
    std::shared_ptr<const RuleIndex> rule_index() const;
    /// Positions of the rules whose `users` name `user`, in order.
    std::vector<std::uint32_t> rules_for(const User& user) const;

private:
    struct Index;
    std::shared_ptr<const Index> m_index;
};

}  // namespace sekisho::model
