// Order for one recording: blocks and chain (Reader) → name → signature → audit records → what it all comes to.
#include "recording/check.h"

#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

#include "recording/folder.h"

namespace sekisho::recording {

namespace {

void add(CheckedRecording& recording, std::string kind, std::string text) {
    const std::string& what = recording.audit_key.empty() ? recording.path : recording.audit_key;
    recording.findings.push_back({std::move(kind), what, what + ": " + std::move(text)});
}

}  // namespace

std::string_view name(CheckedRecording::State state) {
    using enum CheckedRecording::State;
    switch (state) {
        case Intact: return "intact";
        case Incomplete: return "not complete";
        case Live: return "live";
        case Damaged: return "damaged";
    }
    return "unknown";
}

std::string_view name(CheckedRecording::Signing signing) {
    switch (signing) {
        case CheckedRecording::Signing::Signed: return "signed";
        case CheckedRecording::Signing::NotChecked: return "signature not checked";
        case CheckedRecording::Signing::Pending: return "not signed yet";
        case CheckedRecording::Signing::Unsigned: return "not signed";
        case CheckedRecording::Signing::Bad: return "signature wrong";
    }
    return "unknown";
}

// --- what the audit records say ---

void KnownRecordings::note(const model::AuditRecord& record) {
    if ((record.kind == kRemovedKind || record.kind == kExpiredKind) && record.outcome == "ok") {
        if (const auto known = m_all.find(record.subject); known != m_all.end())
            (record.kind == kRemovedKind ? known->second.removed : known->second.expired) = true;
        return;
    }
    if (record.recording.empty()) return;
    const auto said = evidence::read_recorded(record.recording);
    if (!said) return;
    if (!m_since) m_since = record.time;
    Known& known = m_all.try_emplace(said->audit_key, Known{.entry = record.sequence}).first->second;
    if (said->written) known.written = said->written;
}

// --- one recording ---

CheckedRecording FolderCheck::check(const std::string& name, const std::string& path, Result<Reader> reader) {
    CheckedRecording recording;
    recording.audit_key = name;
    recording.path = path;
    m_seen.insert(name);
    auto found = verify(std::move(reader));
    if (!found) {
        recording.state = CheckedRecording::State::Damaged;
        add(recording, "damaged", found.error().full());
        return recording;
    }
    recording.found = std::move(*found);
    const bool live =
        !recording.found.end && !m_settings.folder.empty() && writer_lives(m_settings.folder, recording.found.facts.writer);
    for (const Problem& problem : recording.found.problems) add(recording, "damaged", problem.text);
    check_name(recording);
    if (!live) check_signature(recording);
    if (!live && !recording.found.end)
        add(recording, "cut", "it has no end: it was cut off, or its gateway died and has not started again since");
    check_chain(recording);
    look_for_signature(recording);
    judge(recording, live);
    return recording;
}

void FolderCheck::check_name(CheckedRecording& recording) {
    const std::string& inside = recording.found.facts.audit_key;
    if (inside.empty() || recording.audit_key.empty()) return;
    if (inside != recording.audit_key) add(recording, "exchanged", fmt::format("the file holds the recording {}", inside));
}

void FolderCheck::check_signature(CheckedRecording& recording) {
    const Verification& found = recording.found;
    if (!found.written) return;
    if (!found.signature) {
        const auto ended = found.facts.started + std::chrono::microseconds(found.end->duration_us);
        const bool just_now = !found.facts.signed_by.empty() && m_settings.now - ended < kSignedWithin;
        // Whoever may not look into the folder cannot tell a dead writer from a busy one.
        const std::string& folder = m_settings.folder;
        const bool busy = !folder.empty() && (::access(folder.c_str(), R_OK | X_OK) != 0 || writer_lives(folder, found.facts.writer));
        recording.signing = just_now && busy ? CheckedRecording::Signing::Pending : CheckedRecording::Signing::Unsigned;
        return;
    }
    const auto statement = found.signature->statement(found.written->last);
    const std::string key = found.signature->key.substr(0, 100);
    if (!statement) {
        recording.signing = CheckedRecording::Signing::Bad;
        add(recording, "signature", "its signature is of another recording");
    } else if (m_settings.keys.empty()) {
        recording.signing = CheckedRecording::Signing::NotChecked;
    } else if (!m_settings.keys.knows(found.signature->key)) {
        recording.signing = CheckedRecording::Signing::Bad;
        add(recording, "signature", "it is signed with a key that was not given: " + key);
    } else if (!m_settings.keys.verify(*statement)) {
        recording.signing = CheckedRecording::Signing::Bad;
        add(recording, "signature", "the signature is wrong: it was changed, or is of another recording");
    } else {
        recording.signing = CheckedRecording::Signing::Signed;
    }
}

void FolderCheck::check_chain(CheckedRecording& recording) {
    if (!m_settings.known || recording.audit_key.empty()) return;
    const Verification& found = recording.found;
    const auto known = m_settings.known->all().find(recording.audit_key);
    if (known == m_settings.known->all().end()) {
        const auto& since = m_settings.known->since();
        const bool just_begun =
            found.facts.started > m_settings.now - kSignedWithin && found.facts.started < m_settings.now + kSignedWithin;
        if (since && found.facts.started >= *since && !just_begun)
            add(recording, "foreign", "no audit record names it: it was put there");
        return;
    }
    const auto& wanted = known->second.written;
    if (!wanted) return;
    if (!found.written) {
        add(recording, "cut",
            fmt::format("it was cut off: it had {} blocks and {} bytes when it ended", wanted->blocks, wanted->size));
    } else if (*found.written != *wanted) {
        add(recording, "changed",
            fmt::format("it is not the recording that ended: its last checksum is {}, and the audit records have {}",
                base::hex(found.written->last), base::hex(wanted->last)));
    } else {
        recording.in_chain = true;
    }
}

void FolderCheck::look_for_signature(CheckedRecording& recording) {
    const Verification& found = recording.found;
    if (!found.end || recording.signing != CheckedRecording::Signing::Unsigned) return;
    if (!found.facts.signed_by.empty()) {
        add(recording, "unsigned", "its signature is missing; " + found.facts.signed_by + " was to sign it");
    } else if (!m_settings.keys.empty() && !m_settings.known && !m_settings.unsigned_is_fine) {
        add(recording, "unsigned", "it is not signed; recordings of versions that signed none pass with --allow-unsigned");
    }
}

void FolderCheck::judge(CheckedRecording& recording, bool live) {
    const auto& end = recording.found.end;
    const bool sound = std::ranges::all_of(recording.findings, [](const auto& one) { return one.kind == "cut"; });
    const bool whole = end && end->ending == Ending::Complete;
    using enum CheckedRecording::State;
    recording.state = !sound ? Damaged : live ? Live : whole ? Intact : Incomplete;
}

std::vector<evidence::Finding> FolderCheck::missing() const {
    std::vector<evidence::Finding> findings;
    if (!m_settings.known) return findings;
    for (const auto& [key, known] : m_settings.known->all()) {
        if (known.removed || m_seen.contains(key)) continue;
        findings.push_back(
            {"missing", key, fmt::format("{}: missing; entry {} of the audit records names it", key, known.entry)});
    }
    return findings;
}

}  // namespace sekisho::recording
