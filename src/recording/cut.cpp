// mark_cut (folder.h): gives the recordings of a gateway that died an end block, and has signed what that gateway had no time for. Nothing
// but a partial last block is ever cut off; whatever else is wrong with a file stays as it is, for an auditor to see.
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

/// A recording that nobody writes any more: with its end, which it has had or has got now.
struct Ended {
    std::string path;
    std::unique_ptr<BlockFile> file;
    evidence::Written written;
};

struct Looked {
    enum class At { Marked, Unsigned, Left, TryAgain };
    At at = At::Left;
    std::optional<Ended> ended;  // of Marked and Unsigned
};

/// Walks over all of it: nothing that is damaged is given an end, or a signature.
Looked look_at(const std::string& path, Compressor& compressor) {
    auto source = open_file(path);
    auto walker = source ? BlockWalker::open(std::move(*source)) : std::unexpected(source.error());
    if (!walker) return {};
    std::uint64_t time_us = 0;
    std::optional<evidence::Written> written;
    while (const auto block = walker->next()) {
        if (written) return {};
        time_us = block->header.time_us;
        if (block->header.type == format::BlockType::End) written = {walker->expected(), walker->offset(), walker->last()};
    }
    if (!walker->problems().empty() || walker->expected() == 0) return {};
    if (!written) {
        if (auto reader = Reader::open(path)) {
            reader->seek(std::chrono::microseconds(time_us));
            while (const auto event = reader->next()) time_us = std::max(time_us, static_cast<std::uint64_t>(event->at.count()));
        }
    }
    auto file = BlockFile::resume(path, walker->offset(), walker->expected(), walker->last());
    if (!file) return {Looked::At::TryAgain, std::nullopt};
    if (written) return {Looked::At::Unsigned, Ended{path, std::move(*file), *written}};
    const End end{.reason = "the gateway ended without finishing this recording", .ending = Ending::Cut};
    FolderSyncs folders;
    if (!(*file)->append_end(compressor, end, time_us) || !(*file)->sync(folders)) return {Looked::At::TryAgain, std::nullopt};
    const evidence::Written now = *(*file)->ended();
    return {Looked::At::Marked, Ended{path, std::move(*file), now}};
}

/// False: the next start must try again.
bool sign_all(const EndSigner& signer, const std::vector<Ended>& all) {
    if (!signer || all.empty()) return true;
    std::vector<evidence::Digest> lasts;
    for (const Ended& one : all) lasts.push_back(one.written.last);
    const auto signatures = sign_ends(signer, lasts);
    bool done = signatures.has_value();
    FolderSyncs folders;
    for (std::size_t i = 0; signatures && i < all.size(); ++i)
        done = all[i].file->append_signature((*signatures)[i]) && all[i].file->sync(folders) && done;
    return done;
}

}  // namespace

std::vector<CutRecording> mark_cut(const std::string& folder, const EndSigner& signer) {
    std::vector<DeadWriter> dead = dead_writers(folder);
    std::vector<CutRecording> marked;
    if (dead.empty()) return marked;
    const auto oldest = std::ranges::min_element(dead, {}, &DeadWriter::since);
    Compressor compressor;
    bool again = false;
    std::vector<Ended> to_sign;
    for (const std::string& path : all_recordings(folder, oldest->since)) {
        if (has_signature(path)) continue;
        const bool ended = has_end(path);
        const auto reader = Reader::open(path);
        if (!reader) continue;
        const auto ours = [&](const DeadWriter& writer) { return writer.id == reader->facts().writer; };
        if (std::ranges::none_of(dead, ours)) continue;
        // One that promised no signature is of a gateway that had no key.
        const bool wants_signature = signer && reader->facts().signed_by == signer.key;
        if (ended && !wants_signature) continue;
        Looked looked = look_at(path, compressor);
        again = again || looked.at == Looked::At::TryAgain;
        if (!looked.ended) continue;
        if (looked.at == Looked::At::Marked)
            marked.push_back({std::filesystem::path(path).stem().string(), looked.ended->written});
        if (wants_signature) to_sign.push_back(std::move(*looked.ended));
    }
    if (!sign_all(signer, to_sign)) again = true;
    if (!again) {
        for (const DeadWriter& writer : dead) ::unlink(writer.path.c_str());
    }
    return marked;
}

}  // namespace sekisho::recording
