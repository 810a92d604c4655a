// `sekisho audit export|verify`, and the check of the chain of audit records that `recordings verify` and `verify` make with it. Private to
// cli; main thread only.
#pragma once

#include <string>
#include <vector>

#include "cli/audit_records.h"
#include "recording/check.h"

namespace CLI {
class App;
}

namespace sekisho::cli {

struct AuditCheckOptions {
    std::vector<std::string> files;  // of exports; none: the gateway's, or the store's
    std::string evidence_key;
    std::vector<std::string> expected;  // SEQUENCE:HASH
    bool covered = false;
};

struct AuditChecked {
    evidence::ChainCheck check;
    recording::KnownRecordings known;
    std::vector<evidence::Finding> damaged_lines;
    bool has_keys = false;

    std::vector<evidence::Finding> findings() const;
};
/// An Error: it could not be read, or the options are wrong.
Result<AuditChecked> check_audit(const Context& context, const AuditCheckOptions& options);

/// "1204 audit records, 12 checkpoints, up to 1204:ab12…"; with what people must know about it.
std::string audit_summary(const AuditChecked& checked);
/// {"entries", "checkpoints", "head", …} as JSON text.
std::string audit_json(const AuditChecked& checked);
/// [{"kind", "what", "text"} …] as JSON text.
std::string findings_json(const std::vector<evidence::Finding>& findings);

void add_audit_chain_commands(CLI::App& audit, Context& context);

}  // namespace sekisho::cli
