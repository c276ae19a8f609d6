package dev.millrace.migration;

/// The phase of a migration. Each phase is a record whose methods are its legal transitions, so
/// that an illegal transition does not compile. Phases are never compared by order.
public sealed interface Phase {

    /// The name in the journal and in `status`.
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

    /// The existing rows of the source are being read. Changes since its start are kept in the
    /// source's WAL or are streaming already.
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

    /// An operation moves the traffic from one side to the other.
    record SwitchingOver() implements Phase {
        @Override
        public String name() {
            return "SWITCHING_OVER";
        }
    }

    /// The application writes to the target, and every change goes back to the source.
    record Reversible() implements Phase {
        @Override
        public String name() {
            return "REVERSIBLE";
        }
    }

    /// Only a person knows whether the traffic was routed.
    record Unresolved() implements Phase {
        @Override
        public String name() {
            return "UNRESOLVED";
        }
    }

    /// Where the application writes, as far as the last operation says.
    enum Traffic {
        ON_SOURCE,
        MOVING,
        UNRESOLVED,
        ON_TARGET
    }

    /// The migration cannot continue exactly. It resumes only in the phase `from`.
    record Failed(String cause, Phase from) implements Phase {
        @Override
        public String name() {
            return "FAILED";
        }

        Phase resume() {
            return from;
        }
    }

    /// A failed phase stays as it is, with its first cause.
    default Failed fail(String cause) {
        return switch (this) {
            case Failed failed -> failed;
            case Planned _,
                    Backfilling _,
                    CatchingUp _,
                    InSync _,
                    SwitchingOver _,
                    Reversible _,
                    Unresolved _ ->
                    new Failed(cause, this);
        };
    }

    /// The phase in which another process resumes the migration: a migration that was in sync has
    /// to prove it again, and a failed one tries again.
    default Phase afterRestart() {
        return switch (this) {
            case InSync inSync -> inSync.fellBehind();
            case Failed failed -> failed.resume().afterRestart();
            case Planned _,
                    Backfilling _,
                    CatchingUp _,
                    SwitchingOver _,
                    Reversible _,
                    Unresolved _ ->
                    this;
        };
    }

    /// The phase of a journal entry.
    ///
    /// @param cause of a failed phase
    /// @param from the phase in which it failed
    static Phase of(String name, String cause, String from) {
        return switch (name) {
            case "PLANNED" -> new Planned();
            case "BACKFILLING" -> new Backfilling();
            case "CATCHING_UP" -> new CatchingUp();
            case "IN_SYNC" -> new InSync();
            case "SWITCHING_OVER" -> new SwitchingOver();
            case "REVERSIBLE" -> new Reversible();
            case "UNRESOLVED" -> new Unresolved();
            case "FAILED" -> new Failed(cause, of(from, "", ""));
            default ->
                    throw new IllegalArgumentException(
                            "The journal contains an unknown phase: '" + name + "'.");
        };
    }
}
