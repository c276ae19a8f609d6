package dev.millrace.capture;

import dev.millrace.capture.position.SourcePosition;
import dev.millrace.change.Lsn;
import dev.millrace.change.Topics;
import dev.millrace.kafka.TopicReader;
import java.util.Map;
import java.util.Optional;

/// Reads how far the log is complete: the position of its last committed transaction. Thread-safe.
public final class LoggedBoundary {

    private final PositionLog positions;

    public LoggedBoundary(Map<String, Object> kafka, Topics topics) {
        positions = new PositionLog(new TopicReader(kafka, TopicReader.TIMEOUT), topics.position());
    }

    /// Every transaction of the source that committed before it is in the log; empty before the
    /// first position is written.
    public Optional<Lsn> read() {
        return positions.last().filter(SourcePosition::streaming).map(SourcePosition::boundary);
    }
}
