// mark_cut (folder.h): gives the recordings of a gateway that died an end block. Nothing but a partial last block is ever cut
// off; whatever else is wrong with a file stays as it is, for an auditor to see.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "recording/folder.h"
#include "recording/listing.h"
#include "recording/reader.h"

namespace sekisho::recording {

namespace {

constexpr std::string_view kLockPrefix = ".writer-";

struct DeadWriter {
    std::string id;
    std::string path;
    std::string since;  // YYYY/MM
    std::unique_ptr<Descriptor> lock;  // held meanwhile, so that two starting gateways do not mark the same files
};

std::vector<DeadWriter> dead_writers(const std::string& folder) {
    std::vector<DeadWriter> dead;
    std::error_code error;
    for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
        const std::string name = it->path().filename().string();
        if (!name.starts_with(kLockPrefix)) continue;
        const int fd = ::open(it->path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0) continue;
        DeadWriter writer{name.substr(kLockPrefix.size()), it->path().string(), std::string(7, '\0'),
                          std::make_unique<Descriptor>(fd)};
        if (::flock(fd, LOCK_EX | LOCK_NB) != 0) continue;
        const ssize_t n = ::read(fd, writer.since.data(), writer.since.size());
        writer.since.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
        dead.push_back(std::move(writer));
    }
    return dead;
}

enum class Marked { Yes, No, TryAgain };

Marked mark(const std::string& path, Compressor& compressor) {
    auto source = open_file(path);
    auto walker = source ? BlockWalker::open(std::move(*source)) : std::unexpected(source.error());
    if (!walker) return Marked::No;
    std::uint64_t time_us = 0;
    while (const auto block = walker->next()) {
        if (block->header.type == format::BlockType::End) return Marked::No;
        time_us = block->header.time_us;
    }
    if (!walker->problems().empty() || walker->expected() == 0) return Marked::No;
    if (auto reader = Reader::open(path)) {
        reader->seek(std::chrono::microseconds(time_us));
        while (const auto event = reader->next()) time_us = static_cast<std::uint64_t>(event->at.count());
    }
    auto file = BlockFile::resume(path, walker->offset(), walker->expected(), walker->last());
    if (!file) return Marked::TryAgain;
    const End end{.reason = "the gateway ended without finishing this recording", .ending = Ending::Cut};
    FolderSyncs folders;
    const bool written = (*file)->append_end(compressor, end, time_us) && (*file)->sync(folders);
    return written ? Marked::Yes : Marked::TryAgain;
}

}  // namespace

std::vector<std::string> mark_cut(const std::string& folder) {
    std::vector<DeadWriter> dead = dead_writers(folder);
    std::vector<std::string> marked;
    if (dead.empty()) return marked;
    const auto oldest = std::ranges::min_element(dead, {}, &DeadWriter::since);
    Compressor compressor;
    bool again = false;
    for (const std::string& path : all_recordings(folder, oldest->since)) {
        if (has_end(path)) continue;
        const auto reader = Reader::open(path);
        if (!reader) continue;
        const auto ours = [&](const DeadWriter& writer) { return writer.id == reader->facts().writer; };
        if (std::ranges::none_of(dead, ours)) continue;
        switch (mark(path, compressor)) {
            case Marked::Yes: marked.push_back(std::filesystem::path(path).stem().string()); break;
            case Marked::TryAgain: again = true; break;
            case Marked::No: break;
        }
    }
    if (!again) {
        for (const DeadWriter& writer : dead) ::unlink(writer.path.c_str());
    }
    return marked;
}

}  // namespace sekisho::recording
