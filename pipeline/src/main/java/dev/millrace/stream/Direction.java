package dev.millrace.stream;

/// The direction of a replication stream. Both directions of one migration run between the same two
/// databases, so the direction is part of every name that a stream uses.
public enum Direction {
    /// From the database that the file calls `source` to the one it calls `target`.
    FORWARD(""),

    /// Back to the database that the file calls `source`.
    REVERSE("_reverse_");

    private final String prefix;

    Direction(String prefix) {
        this.prefix = prefix;
    }

    /// The direction of the stream that brings back what this one brings.
    public Direction opposite() {
        return switch (this) {
            case FORWARD -> REVERSE;
            case REVERSE -> FORWARD;
        };
    }

    /// The identifier from which all names of a stream are derived. A migration's name starts with
    /// a letter, so the identifier of a reverse stream never equals that of any forward stream. The
    /// identifier of a forward stream is the migration's name: migrations that already run keep
    /// their slot, topics and control rows.
    ///
    /// @param migration the migration's name
    public String id(String migration) {
        return prefix + migration;
    }
}
