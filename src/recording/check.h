// FolderCheck: whether recordings are whole, unchanged, signed, under their own names, and those that the audit records name: no more and
// no fewer. Says what is wrong with which. Works without a gateway, with as much as is at hand: public evidence keys, audit records, both
// or none. Used by `sekisho recordings verify`. One thread.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "evidence/chain_check.h"
#include "recording/reader.h"

namespace sekisho::recording {

/// What audit records say about recordings. They are noted in their order, and are believed: their own chain is checked elsewhere.
class KnownRecordings {
public:
    void note(const model::AuditRecord& record);

    struct Known {
        std::uint64_t entry = 0;  // that named it first
        std::optional<evidence::Written> written;  // nothing: it runs, or nobody could say
        bool removed = false;  // by the gateway itself, when it was kept elsewhere long enough
        bool expired = false;  // and there, too
    };
    const std::map<std::string, Known>& all() const { return m_all; }
    /// Recordings from then on are named by records; earlier ones are of an older version.
    const std::optional<WallTime>& since() const { return m_since; }

private:
    std::map<std::string, Known> m_all;
    std::optional<WallTime> m_since;
};

/// A record of this kind says that the recording in its subject was removed here on purpose.
inline constexpr std::string_view kRemovedKind = "recording.removed";
/// And one of this kind that it was removed from the bucket, too.
inline constexpr std::string_view kExpiredKind = "recording.expired";

struct CheckedRecording {
    enum class State { Intact, Incomplete, Live, Damaged };
    enum class Signing {
        Signed,
        NotChecked,
        Pending,
        Unsigned,
        Bad
    };  // NotChecked: there is a signature, and no key was given
    std::string audit_key;  // as the file is named
    std::string path;
    State state = State::Intact;
    Signing signing = Signing::Unsigned;
    bool in_chain = false;  // the audit records have its last checksum
    Verification found;
    std::vector<evidence::Finding> findings;
};
std::string_view name(CheckedRecording::State state);
std::string_view name(CheckedRecording::Signing signing);

struct CheckSettings {
    evidence::EvidenceKeys keys;  // empty: signatures are not checked
    const KnownRecordings* known = nullptr;  // nothing: the audit records are not at hand
    bool unsigned_is_fine = false;  // of those that promised no signature; where `known` is at hand they are fine anyway
    std::string folder;  // tells which recordings are being written; may be empty
    WallTime now{};
};

class FolderCheck {
public:
    /// A recording that ended so short a while ago may wait for its signature.
    static constexpr std::chrono::seconds kSignedWithin{60};

    explicit FolderCheck(CheckSettings settings) : m_settings(std::move(settings)) {}

    /// Reads all of it. `name`: the audit key that the file has for a name; empty where it has none.
    CheckedRecording check(const std::string& name, const std::string& path, Result<Reader> reader);
    /// Behind the last one of a whole folder: what is missing.
    std::vector<evidence::Finding> missing() const;

private:
    void check_name(CheckedRecording& recording);
    void check_signature(CheckedRecording& recording);
    void check_chain(CheckedRecording& recording);
    void look_for_signature(CheckedRecording& recording);
    void judge(CheckedRecording& recording, bool live);

    CheckSettings m_settings;
    std::set<std::string> m_seen;  // by name
};

}  // namespace sekisho::recording
