// `sekisho recordings verify` and `sekisho verify`: whether recordings are whole, unchanged, signed and all there. Without names: all of
// the gateway's, together with the chain of its audit records. With files and folders: offline, with nothing but what is named.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/audit_verify.h"
#include "cli/gateway_call.h"
#include "cli/recordings.h"
#include "cli/recordings_remote.h"
#include "recording/block_file.h"
#include "recording/check.h"
#include "recording/folder.h"

namespace sekisho::cli {
namespace {

namespace fs = std::filesystem;
using namespace recording;
using Json = nlohmann::json;

struct RecordingsVerifyOptions {
    std::vector<std::string> which;  // audit keys, files, folders
    std::string key;  // file of an auditor's private key
    std::string evidence_key;
    std::vector<std::string> audit;  // exports
    std::vector<std::string> expected;
    bool unsigned_is_fine = false;
    bool remote = false;  // those in the bucket
    bool json = false;
};

/// What is to be checked: under which name it is shown, and which audit key its name says it is.
struct Item {
    std::string shown;
    std::string name;
    std::string path;  // of one in the bucket: its object
    std::string session;  // as the object's name says
};

class Check {
public:
    Check(const Context& context, const RecordingsVerifyOptions& options) : m_context(context), m_options(options) {}
    int run();

private:
    Result<std::vector<Item>> everything();
    Result<std::vector<Item>> named();
    Result<std::vector<Item>> in_bucket();
    bool on_the_way(const std::string& audit_key, const std::string& session) const;
    void look_for_missing(const std::set<std::string>& there);
    void add_folder(const std::string& folder, std::vector<Item>& items);
    void ask_about(const Item& item);
    Result<void> read_audit(bool of_gateway);
    void look_at(FolderCheck& folder, const Item& item);
    void look_in_bucket(FolderCheck& folder, const Item& item);
    void say(const Item& item, const CheckedRecording& checked);
    void say(const evidence::Finding& finding);
    int summary();

    const Context& m_context;
    const RecordingsVerifyOptions& m_options;
    CheckSettings m_settings;
    bool m_whole_folder = false;  // nothing may be missing
    bool m_all_complete = true;
    std::optional<AuditChecked> m_audit;
    KnownRecordings m_known;  // of those that are named
    std::vector<evidence::Finding> m_findings;
    Json m_recordings = Json::array();
    std::map<std::string, std::size_t> m_counts;
    ShippingStates m_shipping;
};

// --- what is checked ---

/// All of the gateway's recordings, against all of its audit records.
Result<std::vector<Item>> Check::everything() {
    const auto config = m_context.config();
    if (!config) return std::unexpected(config.error());
    m_settings.folder = config->path(config->recording.dir);
    if (is_closed(m_settings.folder))
        return fail(
            "this account may not read " + m_settings.folder + "; run it as the gateway's account, or name audit keys");
    m_whole_folder = true;
    // The records first: what they name is there already, and what begins meanwhile is known by its time.
    if (auto read = read_audit(m_options.audit.empty()); !read) return std::unexpected(read.error());
    std::vector<Item> items;
    for (const std::string& path : all_recordings(m_settings.folder)) {
        const std::string key = fs::path(path).stem().string();
        items.push_back({key, key, path, ""});
    }
    return items;
}

/// All objects, or those that are named, against the audit records. What has not left yet is not expected there.
Result<std::vector<Item>> Check::in_bucket() {
    const auto config = m_context.config();
    if (!config) return std::unexpected(config.error());
    m_settings.folder = config->path(config->recording.dir);
    if (is_closed(m_settings.folder)) return fail("this account may not read " + m_settings.folder + "; run it as the gateway's account");
    m_whole_folder = true;
    m_shipping = shipping_states(m_context, "");
    if (auto read = read_audit(m_options.audit.empty()); !read) return std::unexpected(read.error());
    const auto objects = list_bucket(m_context);
    if (!objects) return std::unexpected(objects.error());
    std::vector<Item> items;
    std::set<std::string> there;
    for (const InBucket& one : *objects) {
        const bool wanted = m_options.which.empty() || std::ranges::find(m_options.which, one.audit_key) != m_options.which.end();
        if (one.audit_key.empty() && one.object.ends_with(".skr") && m_options.which.empty())
            say({"foreign", one.object, one.object + ": no recording is called so: it was put there"});
        if (one.audit_key.empty() || !wanted) continue;
        there.insert(one.audit_key);
        if (on_the_way(one.audit_key, one.session))
            ++m_counts["on the way"];
        else
            items.push_back({one.audit_key, one.audit_key, one.object, one.session});
    }
    look_for_missing(there);
    return items;
}

/// It is here, and the bucket need not have all of it yet.
bool Check::on_the_way(const std::string& audit_key, const std::string& session) const {
    const auto state = m_shipping.by_session.find(session);
    const bool verified = state != m_shipping.by_session.end() && state->second == "verified";
    return !verified && fs::exists(path_of(m_settings.folder, audit_key));
}

void Check::look_for_missing(const std::set<std::string>& there) {
    std::set<std::string> verified;
    for (const auto& [session, state] : m_shipping.by_session) {
        if (state == "verified") verified.insert(session);
    }
    for (const auto& [key, known] : m_audit->known.all()) {
        const bool wanted = m_options.which.empty() || std::ranges::find(m_options.which, key) != m_options.which.end();
        if (!wanted || known.expired || there.contains(key)) continue;
        const std::string path = path_of(m_settings.folder, key);
        const auto reader = fs::exists(path) ? Reader::open(path) : std::unexpected(Error{});
        if (fs::exists(path) && (!reader || !verified.contains(reader->facts().session))) {
            ++m_counts["on the way"];
            continue;
        }
        say({"missing", key, fmt::format("{}: missing in the bucket; entry {} of the audit records names it", key, known.entry)});
    }
}

Result<std::vector<Item>> Check::named() {
    std::vector<Item> items;
    std::error_code none;
    for (const std::string& which : m_options.which) {
        if (fs::is_directory(which, none)) {
            m_whole_folder = true;
            add_folder(which, items);
            continue;
        }
        const auto path = find_recording(m_context, which);
        if (!path) {
            say({"missing", which, path.error().full()});
            continue;
        }
        const std::string stem = fs::path(which).stem().string();
        items.push_back({which, is_audit_key(which) ? which : is_audit_key(stem) ? stem : std::string(), *path, ""});
        if (is_audit_key(which) && m_options.audit.empty()) ask_about(items.back());
    }
    if (!m_options.audit.empty()) {
        if (auto read = read_audit(false); !read) return std::unexpected(read.error());
    }
    return items;
}

void Check::add_folder(const std::string& folder, std::vector<Item>& items) {
    std::vector<std::string> paths;
    std::error_code error;
    for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
        if (it->path().extension() == ".skr") paths.push_back(it->path().string());
    }
    std::ranges::sort(paths);
    for (const std::string& path : paths) items.push_back({path, fs::path(path).stem().string(), path, ""});
}

/// What the audit records of its session say, where somebody can be asked.
void Check::ask_about(const Item& item) {
    const auto reader = Reader::open(item.path);
    const auto config = m_context.config();
    if (!reader || !config || reader->facts().session.empty()) return;
    m_settings.folder = config->path(config->recording.dir);
    const auto answer = call_gateway(m_context, "GET", with_query("/v1/audit", {{"session", reader->facts().session}}));
    if (!answer) return;
    for (const JsonView& one : answer->list("records")) {
        model::AuditRecord record;
        record.sequence = one.number("sequence");
        record.kind = one.text("kind");
        record.outcome = one.text("outcome");
        record.recording = one.text("recording");
        record.time = reader->facts().started + std::chrono::hours(24 * 36500);  // none is foreign for being asked about
        m_known.note(record);
    }
    m_settings.known = &m_known;
}

Result<void> Check::read_audit(bool of_gateway) {
    AuditCheckOptions options{m_options.audit, m_options.evidence_key, m_options.expected, false};
    if (of_gateway) options.files.clear();
    auto checked = check_audit(m_context, options);
    if (!checked) return std::unexpected(checked.error());
    m_audit = std::move(*checked);
    m_settings.known = &m_audit->known;
    return {};
}

// --- the check ---

int Check::run() {
    if (!m_options.expected.empty() && m_options.audit.empty() && !m_options.which.empty()) {
        failed("--expect is about audit records: name an export with --audit, or no recordings");
        return kUsage;
    }
    m_settings.now = std::chrono::system_clock::now();
    m_settings.unsigned_is_fine = m_options.unsigned_is_fine;
    const auto items = m_options.remote ? in_bucket() : m_options.which.empty() ? everything() : named();
    if (!items) return failed(items.error());
    const bool ours = std::ranges::all_of(m_options.which, [](const std::string& one) { return is_audit_key(one); });
    auto keys = evidence_keys(m_context, m_options.evidence_key, ours && m_options.audit.empty());
    if (!keys) return failed(keys.error());
    m_settings.keys = std::move(*keys);
    if (m_audit) {
        for (const evidence::Finding& finding : m_audit->findings()) say(finding);
    }
    FolderCheck folder(m_settings);
    Progress progress("recordings checked");
    for (const Item& item : *items) {
        m_options.remote ? look_in_bucket(folder, item) : look_at(folder, item);
        progress.step(items->size());
    }
    if (m_whole_folder && !m_options.remote) {
        for (const evidence::Finding& finding : folder.missing()) say(finding);
    }
    return summary();
}

void Check::look_at(FolderCheck& folder, const Item& item) {
    auto reader = Reader::open(item.path);
    if (reader && reader->sealed() && !m_options.key.empty()) {
        if (const auto opened = unseal(*reader, m_options.key); !opened) reader = std::unexpected(opened.error());
    }
    say(item, folder.check(item.name, item.path, std::move(reader)));
}

void Check::look_in_bucket(FolderCheck& folder, const Item& item) {
    const auto fd = open_in_bucket(m_context, item.name, item.session);
    if (!fd) return say({"missing", item.name, item.name + ": " + fd.error().full()});
    const Descriptor descriptor(*fd);
    Item here = item;
    here.path = fmt::format("/proc/self/fd/{}", *fd);
    if (const auto reader = Reader::open(here.path); reader && reader->facts().session != item.session) {
        const std::string inside = printable(reader->facts().session);
        say({"exchanged", item.name, fmt::format("{}: {} holds the recording of session {}", item.name, item.path, inside)});
    }
    look_at(folder, here);
}

void Check::say(const evidence::Finding& finding) {
    if (!m_options.json) failed(printable(finding.text));
    m_findings.push_back(finding);
}

void Check::say(const Item& item, const CheckedRecording& checked) {
    for (const evidence::Finding& finding : checked.findings) say(finding);
    if (checked.state != CheckedRecording::State::Intact) m_all_complete = false;
    ++m_counts[std::string(name(checked.state))];
    const Verification& found = checked.found;
    const auto ending = found.end ? name(found.end->ending) : std::string_view("without end");
    const std::string chain = base::hex(found.written ? found.written->last : found.last);
    if (m_options.json) {
        m_recordings.push_back({{"recording", item.shown}, {"audit_key", found.facts.audit_key}, {"path", item.path},
            {"state", name(checked.state)}, {"signature", name(checked.signing)}, {"in_audit", checked.in_chain},
            {"blocks", found.blocks}, {"sealed_blocks", found.sealed_blocks}, {"events", found.events}, {"ending", ending},
            {"chain", chain}});
        return;
    }
    if (m_whole_folder && checked.state != CheckedRecording::State::Incomplete) return;
    const std::string closed =
        found.sealed_blocks == 0 ? "" : fmt::format("{} of them sealed and not looked into, ", found.sealed_blocks);
    print_line(fmt::format("{}: {} ({} blocks, {}{} events, {}, {}{}, chain {})", item.shown, name(checked.state),
        found.blocks, closed, found.events, ending, name(checked.signing),
        checked.in_chain ? ", as in the audit records" : "", chain));
}

int Check::summary() {
    const bool sound = m_findings.empty() && (m_whole_folder || m_all_complete);
    if (m_options.json) {
        Json answer{
            {"sound", sound}, {"recordings", std::move(m_recordings)}, {"findings", Json::parse(findings_json(m_findings))}};
        answer["audit"] = m_audit ? Json::parse(audit_json(*m_audit)) : Json(nullptr);
        print_line(answer.dump(2, ' ', false, Json::error_handler_t::replace));
    } else if (m_whole_folder) {
        std::string counts;
        for (const auto& [state, count] : m_counts)
            counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", count, state);
        print_line(
            fmt::format("{}: recordings: {}", m_findings.empty() ? "sound" : "not sound", counts.empty() ? "none" : counts));
        if (m_audit) print_line(fmt::format("       audit: {}", audit_summary(*m_audit)));
    }
    return sound ? kDone : kFailed;
}

void add_options(CLI::App& command, const std::shared_ptr<RecordingsVerifyOptions>& options) {
    command.add_option("--evidence-key", options->evidence_key,
        "file with the public evidence keys of the gateways (`sekisho audit key`); of named files and folders the "
        "signatures are checked with it");
    command.add_option(
        "--audit", options->audit, "exports of the audit records (`sekisho audit export`): what they name must be there");
    command.add_option("--expect", options->expected, "SEQUENCE:HASH of the audit records that was kept elsewhere");
    command.add_option("--key", options->key, "file of an auditor's private key, which looks into what is sealed")
        ->envname("SEKISHO_AUDITOR_KEY");
    command.add_flag("--allow-unsigned", options->unsigned_is_fine, "recordings of versions that signed none are fine");
    command.add_flag("--json", options->json, "as JSON");
}

}  // namespace

void add_recordings_verify_command(CLI::App& recordings, Context& context) {
    auto options = std::make_shared<RecordingsVerifyOptions>();
    CLI::App* command =
        recordings.add_subcommand("verify", "Check that recordings are whole, unchanged, signed and all there");
    command->add_option(
        "recording", options->which, "audit keys, files or folders (default: everything, with the audit records)");
    add_options(*command, options);
    command->add_flag("--remote", options->remote,
        "those in the bucket that recordings are shipped to, instead of those here: each is fetched and checked (default: all of them)");
    command->footer(examples({"sekisho recordings verify", "sekisho recordings verify 2026-11-22_05-16-00_alice",
        "sekisho recordings verify --remote   # what was shipped is there, all of it, and as it was",
        "sekisho recordings verify ./copy --evidence-key evidence.pub --audit audit.jsonl   # anywhere, without a gateway",
        "sekisho recordings verify --key auditor *.skr   # looks into sealed ones, too"}));
    command->callback([&context, options] { context.run = [&context, options] { return Check(context, *options).run(); }; });
}

void add_verify_command(CLI::App& app, Context& context) {
    auto options = std::make_shared<RecordingsVerifyOptions>();
    CLI::App* command =
        app.add_subcommand("verify", "Check all recordings and audit records: nothing missing, cut or changed");
    add_options(*command, options);
    command->footer(examples({"sekisho verify", "sekisho verify --expect 1204:5f2a… --json"}));
    command->callback([&context, options] { context.run = [&context, options] { return Check(context, *options).run(); }; });
}

}  // namespace sekisho::cli
