#include "evidence/chain.h"

#include "crypto/hash.h"
#include "wire/writer.h"

namespace sekisho::evidence {

Digest chain_start() {
    static const Digest start = crypto::sha256({base::view("sekisho audit 1")});
    return start;
}

Digest chain_next(const Digest& previous, const model::AuditRecord& record) {
    wire::Writer out(512);
    out.u64(record.sequence).u64(static_cast<std::uint64_t>(base::unix_milliseconds(record.time)));
    out.string(record.kind).string(record.session).string(record.user).string(record.source);
    out.string(record.subject).string(record.outcome).string(record.reason).string(record.recording);
    return crypto::sha256({previous, out.bytes()});
}

}  // namespace sekisho::evidence
