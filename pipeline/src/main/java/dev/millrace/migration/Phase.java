package dev.millrace.migration;

/// Where a migration is. Each phase is a record whose methods are its legal exits, so a step that
/// doesn't exist can't be written. Phases are never compared by order.
public sealed interface Phase {

    /// As the journal and `status` print it.
    String name();

    record Planned() implements Phase {
        @Override
        public String name() {
            return "PLANNED";
        }

        Backfilling begin() {
            return new Backfilling();
        }
    }

    /// Rows that were there before are being read; changes are held in the source's WAL or stream
    /// already.
    record Backfilling() implements Phase {
        @Override
        public String name() {
            return "BACKFILLING";
        }

        CatchingUp backfilled() {
            return new CatchingUp();
        }
    }

    record CatchingUp() implements Phase {
        @Override
        public String name() {
            return "CATCHING_UP";
        }

        InSync caughtUp() {
            return new InSync();
        }
    }

    record InSync() implements Phase {
        @Override
        public String name() {
            return "IN_SYNC";
        }

        CatchingUp fellBehind() {
            return new CatchingUp();
        }
    }

    /// Carrying on would not be exact, or the program can't. Resumes only into `from`.
    record Failed(String cause, Phase from) implements Phase {
        @Override
        public String name() {
            return "FAILED";
        }

        Phase resume() {
            return from;
        }
    }

    /// Every phase but a failed one may fail.
    default Failed fail(String cause) {
        return switch (this) {
            case Failed failed -> failed;
            case Planned _, Backfilling _, CatchingUp _, InSync _ -> new Failed(cause, this);
        };
    }

    /// As another process takes it up: what was in sync has to prove it anew, and what failed may
    /// try again.
    default Phase takenUp() {
        return switch (this) {
            case InSync inSync -> inSync.fellBehind();
            case Failed failed -> failed.resume().takenUp();
            case Planned _, Backfilling _, CatchingUp _ -> this;
        };
    }

    /// Reads back what [#name] printed; a failed phase needs its cause and origin.
    static Phase of(String name, String cause, String from) {
        return switch (name) {
            case "PLANNED" -> new Planned();
            case "BACKFILLING" -> new Backfilling();
            case "CATCHING_UP" -> new CatchingUp();
            case "IN_SYNC" -> new InSync();
            case "FAILED" -> new Failed(cause, of(from, "", ""));
            default ->
                    throw new IllegalArgumentException(
                            "the journal holds a phase of unknown name '" + name + "'");
        };
    }
}
