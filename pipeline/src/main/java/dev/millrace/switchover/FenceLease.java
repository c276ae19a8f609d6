package dev.millrace.switchover;

import dev.millrace.fence.Lease;
import dev.millrace.fence.WriteFence;
import dev.millrace.postgres.Database.DatabaseFailure;
import java.sql.SQLException;
import java.time.Duration;

/// The lease of the fence on the source. Not thread-safe, as the fence.
record FenceLease(WriteFence fence) implements SwitchoverRun.ClosingLease {

    @Override
    public boolean isPermanent() {
        return read() instanceof Lease.Permanent;
    }

    @Override
    public boolean lift() {
        return switch (read()) {
            case Lease.Permanent _ -> false;
            case Lease.Absent _, Lease.Expired _, Lease.Open _ -> true;
            case Lease.Leased(long current, Duration _) -> lift(current);
        };
    }

    private boolean lift(long current) {
        try {
            return switch (fence.lift(current)) {
                case Lease.Change.Taken _ -> true;
                case Lease.Change.NotTaken(Lease lease) ->
                        switch (lease) {
                            case Lease.Permanent _ -> false;
                            case Lease.Absent _, Lease.Expired _, Lease.Open _ -> true;
                            case Lease.Leased _ ->
                                    throw new StepAction.UndoFailed(
                                            "Another controller has taken the lease.");
                        };
                case Lease.Change.Unknown(String reason) -> throw new StepAction.UndoFailed(reason);
            };
        } catch (SQLException e) {
            throw new DatabaseFailure("The source does not answer", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("The service stops.", e);
        }
    }

    private Lease read() {
        try {
            return fence.read();
        } catch (SQLException e) {
            throw new DatabaseFailure("The source does not answer", e);
        }
    }

    /// A lease in words, after "the lease".
    static String text(Lease lease) {
        return switch (lease) {
            case Lease.Absent _ -> "does not exist";
            case Lease.Leased(long epoch, Duration remaining) ->
                    "has the epoch %d and expires in %d s".formatted(epoch, remaining.toSeconds());
            case Lease.Expired _ -> "has expired";
            case Lease.Permanent _ -> "is permanent";
            case Lease.Open _ -> "was lifted";
        };
    }
}
