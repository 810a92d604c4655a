// decide(): may this user do this, there, now? Pure: the same facts give the same Decision, and `explain` prints its words.
// Default deny: no matching rule is a refusal that names what was refused. Called by the gateway before every channel.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/access.h"

namespace sekisho::policy {

struct Request {
    std::string user;
    std::string target;  // empty: the gateway itself (a forward that it dials)
    std::string login;
    model::Capability capability = model::Capability::Shell;
    std::optional<std::string>
        command;  // Exec: as the client sent it ("subsystem NAME" for one that has no capability of its own);
                                         // none: may anything be run at all?
    bool scp_writes = false;  // Scp: to the target
    std::string forward_host;  // forwards only: as the client named it
    std::uint16_t forward_port = 0;  // RemoteForward: where it is listened, host empty or * for every address; 0: any port
    std::optional<std::string> connects_from;  // RemoteForward at the gateway: who is there; none: may it listen at all?
    std::string forward_path;  // SocketForward only
    std::string source;  // the client's address
    bool touched = false;  // signed in with a security key that was touched
    WallTime time{};
};

struct Decision {
    bool allowed = false;
    std::string rule;    // the rule that allows; empty when refused
    std::string reason;  // one sentence for the user: what was refused, and what would be needed
    model::RecordLevel record = model::RecordLevel::Full;
    std::optional<model::Indexing> index;
    model::Contents record_contents;
    bool record_hidden_input = false;
    std::optional<model::OnFailure> on_failure;
    model::Limits limits;
    model::SftpLimits sftp;  // Sftp only
};

Decision decide(const model::Access& access, const Request& request);

/// The target that a client means by `host` and `port`, as it would connect to it: a target's name (with its own port, or SSH's), or
/// the address of exactly one target. `host` as model::ForwardHost has it. nullptr: none.
const model::Target* target_at(const model::Access& access, std::string_view host, std::uint16_t port);

/// How the client's SSH user name is read (surface.md): "ubuntu@web1", "alice@ubuntu@web1", "web1", "alice", with @, % or #.
struct Destination {
    std::string user;    // stated user name; empty: whoever owns the key
    std::string login;   // empty: the target's default
    std::string target;  // empty: the gateway itself
};

/// Splits the name; the owner of the key (`key_owners`: all users with that key) settles whether a single word is a user or a target.
/// Fails with a text for the user when the name is not well-formed.
Result<Destination> parse_destination(const model::Access& access, std::string_view ssh_user,
                                      const std::vector<std::string>& key_owners);

}  // namespace sekisho::policy
