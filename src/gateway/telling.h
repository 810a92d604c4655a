// Telling: whatever tells people and machines what the audit holds: mails, and streams of records. Makes what the configuration names, and
// nothing costs anything where it names nothing. Each reads the audit records from where it had come to, which is kept on disk, so an
// outage or a restart loses nothing (docs/adr/0024-telling.md). Owned by gateway/serve.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "gateway/stream_reader.h"
#include "model/config.h"
#include "model/session.h"

namespace sekisho::gateway {

class Telling {
public:
    using ReadFile = std::function<Result<std::string>(const std::string& path, std::size_t most)>;
    using Audit = std::function<void(model::AuditRecord record)>;

    /// Nothing where the configuration tells nobody. Opens the store once more; records from now on are told, or those behind the last
    /// position.
    static Result<std::unique_ptr<Telling>> make(const model::Config& config, ReadFile read_file, Audit audit);
    /// What is in the store by now is told, if that takes a moment only; the rest when the next gateway runs.
    ~Telling();
    Telling(const Telling&) = delete;
    Telling& operator=(const Telling&) = delete;

    /// Positions of what the configuration does not name any more are removed, so that it begins anew should it come back. Before the
    /// sandbox is entered, whether something is told or not.
    static void forget_unused(const model::Config& config);

    void start();
    /// Audit is not called any more when this returns.
    void hush();

private:
    struct Parts;
    explicit Telling(Audit audit);
    void audit(std::string kind, std::string subject, std::string outcome, std::string reason);
    Result<void> make_mail(const model::Config& config, const ReadFile& read_file);
    Result<void> make_streams(const model::Config& config, const ReadFile& read_file);
    Result<void> make_webhooks(const model::Config& config, const ReadFile& read_file);
    Result<void> add_stream(const model::Config& config, const std::string& place, const std::vector<std::string>& kinds,
        const StreamReader::Make& make);

    std::mutex m_mutex;
    Audit m_audit;
    std::unique_ptr<Parts> m_parts;
};

}  // namespace sekisho::gateway
