// Recordings and Recorder as the gateway sees them: thin handles on Hub and Track.
#include "recording/hub.h"

namespace sekisho::recording {

namespace {

class TrackRecorder final : public Recorder {
public:
    TrackRecorder(std::shared_ptr<Hub> hub, std::shared_ptr<Track> track, std::shared_ptr<RecorderCallbacks> callbacks)
        : m_hub(std::move(hub)), m_callbacks(std::move(callbacks)), m_track(std::move(track)) {}

    ~TrackRecorder() override {
        if (!m_finished) m_track->finish("abandoned", std::nullopt, {});
    }

    void channel_opened(const ChannelFacts& facts, TimePoint now) override { m_track->channel_opened(facts, now); }
    void request(std::uint32_t channel, bool from_client, std::string_view type, BytesView payload, TimePoint now) override {
        m_track->request(channel, from_client, type, payload, now);
    }
    void data(std::uint32_t channel, Stream stream, BytesView bytes, TimePoint now) override {
        m_track->data(channel, stream, bytes, now);
    }
    void file_operation(std::uint32_t channel, std::string_view json, TimePoint now) override {
        m_track->file_operation(channel, json, now);
    }
    void eof(std::uint32_t channel, bool from_client, TimePoint now) override { m_track->eof(channel, from_client, now); }
    void channel_closed(std::uint32_t channel, TimePoint now) override { m_track->channel_closed(channel, now); }
    bool backlogged() const override { return m_track->backlogged(); }
    void finish(std::string_view reason, TimePoint now, Finished done) override {
        m_finished = true;
        m_track->finish(reason, now, std::move(done));
    }

private:
    const std::shared_ptr<Hub> m_hub;                     // outlives the track
    const std::shared_ptr<RecorderCallbacks> m_callbacks;  // the track knows it weakly: none is called once this is gone
    const std::shared_ptr<Track> m_track;
    bool m_finished = false;
};

class FolderRecordings final : public Recordings {
public:
    FolderRecordings(const std::string& folder, std::vector<AuditorKey> seal_to, EndSigner signer)
        : m_hub(std::make_shared<Hub>(folder, std::move(seal_to), std::move(signer))) {}
    ~FolderRecordings() override { m_hub->stop(); }

    void open(SessionFacts facts, bool reserve, Executor executor, RecorderCallbacks callbacks,
              std::function<void(Result<Opened>)> done) override {
        m_hub->open(std::move(facts), reserve, std::move(executor), std::move(callbacks), std::move(done));
    }

    void refuse_new(std::string reason) override { m_hub->refuse_new(std::move(reason)); }
    void settle() override { m_hub->settle(); }

private:
    const std::shared_ptr<Hub> m_hub;
};

}  // namespace

std::unique_ptr<Recorder> make_recorder(std::shared_ptr<Hub> hub, std::shared_ptr<Track> track,
                                        std::shared_ptr<RecorderCallbacks> callbacks) {
    return std::make_unique<TrackRecorder>(std::move(hub), std::move(track), std::move(callbacks));
}

std::unique_ptr<Recordings> make_recordings(const std::string& folder, std::vector<AuditorKey> seal_to, EndSigner signer) {
    return std::make_unique<FolderRecordings>(folder, std::move(seal_to), std::move(signer));
}

}  // namespace sekisho::recording
