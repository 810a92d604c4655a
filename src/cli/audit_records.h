// Audit records for whoever checks their chain: from the gateway or the store, or from files that `sekisho audit export` wrote (JSON lines,
// the first of each a header). Private to cli; main thread only.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "evidence/chain_check.h"

namespace sekisho::cli {

struct AuditReader {
    std::function<void(const evidence::ChainHead& behind)> begin;  // a part begins behind this position
    std::function<void(const model::AuditRecord& record)> record;
    std::function<void(const std::string& line, const std::string& text)> damaged;  // "FILE:12", what is wrong with it
};

/// All records behind `after`, oldest first.
Result<void> read_audit_of_gateway(const Context& context, std::uint64_t after, const AuditReader& reader);
/// "-" is stdin.
Result<void> read_audit_files(const std::vector<std::string>& files, const AuditReader& reader);

/// One line of an export, without its end.
std::string export_header(const evidence::ChainHead& behind);
std::string export_line(const model::AuditRecord& record);

/// Tells on stderr, when that is a terminal and two seconds are over, how far something is: once a second.
class Progress {
public:
    explicit Progress(std::string what) : m_what(std::move(what)) {}
    ~Progress();
    void step(std::uint64_t of = 0, std::uint64_t more = 1);

private:
    std::string m_what;
    std::uint64_t m_done = 0;
    TimePoint m_next = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    bool m_shown = false;
};

/// The evidence keys in `file`, or those of the gateway itself where it is empty; none at all where nobody has one.
Result<evidence::EvidenceKeys> evidence_keys(const Context& context, const std::string& file, bool ask_gateway);

}  // namespace sekisho::cli
