#include "cli/audit_verify.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/gateway_call.h"

namespace sekisho::cli {
namespace {

using Json = nlohmann::json;

struct AuditVerifyOptions : AuditCheckOptions {
    bool json = false;
    std::uint64_t after = 0;
    std::string output = "-";
};

std::string dumped(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace); }

/// A new file, or stdout; everything or nothing counts.
class Lines {
public:
    static Result<Lines> open(const std::string& path) {
        Lines lines;
        if (path == "-") return lines;
        const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0) return fail("cannot write " + path, std::system_category().message(errno));
        lines.m_file.reset(::fdopen(fd, "w"));
        return lines;
    }
    void add(const std::string& line) {
        std::FILE* to = m_file ? m_file.get() : stdout;
        m_good = m_good && std::fwrite(line.data(), 1, line.size(), to) == line.size() && std::fputc('\n', to) != EOF;
    }
    bool close() { return std::fflush(m_file ? m_file.get() : stdout) == 0 && m_good; }

private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    std::unique_ptr<std::FILE, Close> m_file;
    bool m_good = true;
};

/// The position that an export of what stands behind `after` begins with.
Result<evidence::ChainHead> position_at(const Context& context, std::uint64_t after) {
    if (after == 0) return evidence::ChainHead{};
    std::optional<evidence::ChainHead> found;
    const auto answer =
        call_gateway(context, "GET", with_query("/v1/audit", {{"after", std::to_string(after - 1)}, {"most", "1"}}));
    if (!answer) return std::unexpected(answer.error());
    for (const JsonView& record : answer->list("records"))
        found = evidence::parse_position(fmt::format("{}:{}", record.number("sequence"), record.text("hash")));
    if (!found || found->sequence != after) return fail(fmt::format("there is no audit record {}", after));
    return *found;
}

int export_records(const Context& context, const AuditVerifyOptions& options) {
    const auto behind = position_at(context, options.after);
    if (!behind) return failed(behind.error());
    auto lines = Lines::open(options.output);
    if (!lines) return failed(lines.error());
    lines->add(export_header(*behind));
    Progress progress("audit records written");
    AuditReader reader;
    reader.record = [&](const model::AuditRecord& record) {
        lines->add(export_line(record));
        progress.step();
    };
    if (const auto done = read_audit_of_gateway(context, options.after, reader); !done) return failed(done.error());
    return lines->close() ? kDone : failed("the export cannot be written");
}

int verify_records(const Context& context, const AuditVerifyOptions& options) {
    const auto checked = check_audit(context, options);
    if (!checked) return failed(checked.error());
    const auto findings = checked->findings();
    if (options.json) {
        Json answer = Json::parse(audit_json(*checked));
        answer["findings"] = Json::parse(findings_json(findings));
        print_line(dumped(answer));
    } else {
        for (const evidence::Finding& finding : findings) failed(printable(finding.text));
        print_line(fmt::format("{}: {}", findings.empty() ? "sound" : "not sound", audit_summary(*checked)));
    }
    return findings.empty() ? kDone : kFailed;
}

int show_key(const Context& context, const AuditVerifyOptions& options) {
    const auto answer = call_gateway(context, "GET", "/v1/ca");
    if (!answer) return failed(answer.error());
    const std::string line = answer->text("evidence_key");
    if (line.empty()) return failed("there is no evidence key yet; `sekisho init` makes it");
    print_line(options.json ? dumped(Json{{"evidence_key", line}}) : line);
    return kDone;
}

}  // namespace

std::vector<evidence::Finding> AuditChecked::findings() const {
    std::vector<evidence::Finding> all = damaged_lines;
    all.insert(all.end(), check.findings().begin(), check.findings().end());
    return all;
}

Result<AuditChecked> check_audit(const Context& context, const AuditCheckOptions& options) {
    auto keys = evidence_keys(context, options.evidence_key, options.files.empty());
    if (!keys) return std::unexpected(keys.error());
    AuditChecked checked;
    checked.has_keys = !keys->empty();
    checked.check = evidence::ChainCheck(std::move(*keys));
    for (const std::string& text : options.expected) {
        const auto position = evidence::parse_position(text);
        if (!position) return fail("--expect wants SEQUENCE:HASH, as `sekisho audit verify` prints it");
        checked.check.expect(*position);
    }
    Progress progress("audit records checked");
    AuditReader reader;
    reader.begin = [&](const evidence::ChainHead& behind) { checked.check.begin_behind(behind); };
    reader.record = [&](const model::AuditRecord& record) {
        checked.check.add(record);
        checked.known.note(record);
        progress.step();
    };
    reader.damaged = [&](const std::string& line, const std::string& text) {
        if (checked.damaged_lines.size() < evidence::ChainCheck::kFindingsMost)
            checked.damaged_lines.push_back({"damaged", line, line + ": " + text});
    };
    const auto read =
        options.files.empty() ? read_audit_of_gateway(context, 0, reader) : read_audit_files(options.files, reader);
    if (!read) return std::unexpected(read.error());
    checked.check.finish(options.covered);
    return checked;
}

std::string audit_summary(const AuditChecked& checked) {
    const evidence::ChainCheck& check = checked.check;
    std::string text = fmt::format("{} audit records, {} checkpoints{}, up to {}", check.entries(), check.checkpoints(),
        checked.has_keys || check.checkpoints() == 0 ? "" : " whose signatures were not checked (--evidence-key FILE)",
        evidence::position_text(check.head().sequence, check.head().hash));
    if (const auto& last = check.last_checkpoint())
        text += fmt::format(
            "; {} of them behind the last checkpoint, of {}", check.uncovered(), base::rfc3339(last->statement.time));
    return text;
}

std::string audit_json(const AuditChecked& checked) {
    const evidence::ChainCheck& check = checked.check;
    Json json{{"entries", check.entries()}, {"checkpoints", check.checkpoints()}, {"signatures_checked", checked.has_keys},
        {"head", evidence::position_text(check.head().sequence, check.head().hash)}, {"uncovered", check.uncovered()},
        {"last_checkpoint", nullptr}};
    if (const auto& last = check.last_checkpoint()) {
        json["last_checkpoint"] = {{"position", evidence::position_text(last->statement.sequence, last->statement.hash)},
            {"time", base::rfc3339(last->statement.time)}, {"key", last->key}};
    }
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string findings_json(const std::vector<evidence::Finding>& findings) {
    Json list = Json::array();
    for (const evidence::Finding& one : findings)
        list.push_back({{"kind", one.kind}, {"what", one.what}, {"text", one.text}});
    return list.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void add_audit_chain_commands(CLI::App& audit, Context& context) {
    const auto options = std::make_shared<AuditVerifyOptions>();
    const auto runs = [&context, options](int (*function)(const Context&, const AuditVerifyOptions&)) {
        return [&context, options, function] {
            context.run = [&context, options, function] { return function(context, *options); };
        };
    };
    CLI::App* out = audit.add_subcommand("export", "Writes all audit records as JSON lines, which can be checked anywhere");
    out->add_option("--after", options->after, "Only records behind this number: the next part of an earlier export");
    out->add_option("--output,-o", options->output, "File, - for stdout")->capture_default_str();
    out->footer(examples({"sekisho audit export -o audit.jsonl", "sekisho audit export --after 1204 >> audit.jsonl"}));
    out->callback(runs(export_records));

    CLI::App* verify = audit.add_subcommand("verify", "Checks that no audit record is missing, changed or out of its order");
    verify->add_option("file", options->files, "Exports, in their order, - for stdin (default: the gateway's records)");
    verify->add_option(
        "--evidence-key", options->evidence_key, "File with the public evidence keys of the gateways (`sekisho audit key`)");
    verify->add_option("--expect", options->expected, "SEQUENCE:HASH that was kept elsewhere: the chain must have it");
    verify->add_flag("--covered", options->covered, "Also want a checkpoint behind the last record");
    verify->add_flag("--json", options->json, "As JSON");
    verify->footer(examples({"sekisho audit verify", "sekisho audit verify audit.jsonl --evidence-key evidence.pub",
        "sekisho audit verify --expect 1204:5f2a…   # nothing before that was changed, and nothing cut off"}));
    verify->callback(runs(verify_records));

    CLI::App* key = audit.add_subcommand("key", "The public half of the key that signs checkpoints and recordings");
    key->add_flag("--json", options->json, "As JSON");
    key->footer(examples({"sekisho audit key > evidence.pub"}));
    key->callback(runs(show_key));
}

}  // namespace sekisho::cli
