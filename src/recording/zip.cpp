#include "recording/zip.h"

#include <archive.h>
#include <archive_entry.h>

#include <memory>

namespace sekisho::recording {
namespace {

/// One member after the other, each of a length that is known at its end only.
class Zip {
public:
    explicit Zip(const Sink& out) : m_out(out), m_archive(archive_write_new(), archive_write_free) {
        const auto write = [](archive*, void* sink, const void* data, std::size_t size) -> la_ssize_t {
            const bool written = (*static_cast<const Sink*>(sink))({static_cast<const char*>(data), size});
            return written ? static_cast<la_ssize_t>(size) : -1;
        };
        m_good = m_archive && archive_write_set_format_zip(m_archive.get()) == ARCHIVE_OK &&
                 archive_write_set_bytes_in_last_block(m_archive.get(), 1) == ARCHIVE_OK &&
                 archive_write_open(m_archive.get(), const_cast<Sink*>(&m_out), nullptr, write, nullptr) == ARCHIVE_OK;
    }
    bool member(const char* name, WallTime time) {
        const std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new(), archive_entry_free);
        archive_entry_set_pathname(entry.get(), name);
        archive_entry_set_filetype(entry.get(), AE_IFREG);
        archive_entry_set_perm(entry.get(), 0600);
        archive_entry_set_mtime(entry.get(), base::unix_seconds(time), 0);
        return m_good = m_good && archive_write_header(m_archive.get(), entry.get()) == ARCHIVE_OK;
    }
    bool add(std::string_view bytes) {
        while (m_good && !bytes.empty()) {
            const la_ssize_t taken = archive_write_data(m_archive.get(), bytes.data(), bytes.size());
            m_good = taken > 0;
            if (m_good) bytes.remove_prefix(static_cast<std::size_t>(taken));
        }
        return m_good;
    }
    bool close() { return m_good && archive_write_close(m_archive.get()) == ARCHIVE_OK; }

private:
    const Sink& m_out;
    const std::unique_ptr<archive, decltype(&archive_write_free)> m_archive;
    bool m_good = false;
};

bool wants(const std::optional<std::uint32_t>& channel, std::uint32_t one) { return !channel || *channel == one; }

/// Whether a chosen channel has a terminal. Leaves the recording at its beginning.
bool has_terminal(Reader& reader, const std::optional<std::uint32_t>& channel) {
    bool found = false;
    while (const auto event = reader.next()) {
        if (event->kind == Event::Kind::Request && event->name == "pty-req" && wants(channel, event->channel)) found = true;
    }
    reader.seek(std::chrono::microseconds(0));
    return found;
}

bool add_shown(Reader& reader, const ExportOptions& options, Shown::Kind kind, Zip& zip) {
    Replay replay(reader, options.channel);
    bool good = true;
    while (const auto shown = replay.next()) {
        if (shown->kind == kind) good = good && zip.add(base::text_view(shown->bytes));
    }
    return good;
}

}  // namespace

Result<void> export_zip(Reader& reader, const ExportOptions& options, const Sink& out) {
    Zip zip(out);
    const WallTime started = reader.facts().started;
    const Sink nowhere = [](std::string_view) { return true; };
    const Sink into = [&](std::string_view bytes) { return zip.add(bytes); };
    if (has_terminal(reader, options.channel)) {
        if (!zip.member("term_data.txt", started)) return unwritten();
        if (auto done = export_script(reader, options, into, nowhere); !done) return done;
        reader.seek(std::chrono::microseconds(0));
        if (!zip.member("term_times.txt", started)) return unwritten();
        if (auto done = export_script(reader, options, nowhere, into); !done) return done;
    } else {
        if (!zip.member("data_from_client.txt", started) || !add_shown(reader, options, Shown::Kind::Input, zip))
            return unwritten();
        reader.seek(std::chrono::microseconds(0));
        if (!zip.member("data_from_server.txt", started) || !add_shown(reader, options, Shown::Kind::Output, zip))
            return unwritten();
    }
    return zip.close() ? Result<void>() : unwritten();
}

}  // namespace sekisho::recording
