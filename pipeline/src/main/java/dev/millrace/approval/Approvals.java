package dev.millrace.approval;

import dev.millrace.control.approval.ApprovalLog;
import dev.millrace.control.approval.ApprovalLog.Note;
import dev.millrace.control.approval.ApprovalLog.Request;
import dev.millrace.postgres.Database.DatabaseFailure;
import dev.millrace.replication.RefusedException;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;

/// The requests of a migration that wait for another person. They are read when the service starts
/// and kept in memory, so that a status asks no server; a change is stored before it counts. A
/// request expires after an hour. Thread-safe.
public final class Approvals {

    public static final Duration LIFETIME = Duration.ofHours(1);

    private static final String SERVICE = "millrace";

    private final ApprovalLog log;
    private final InstantSource clock;
    private volatile List<Request> waiting;

    /// @param waiting as they were stored
    private Approvals(ApprovalLog log, InstantSource clock, List<Request> waiting) {
        this.log = log;
        this.clock = clock;
        this.waiting = List.copyOf(waiting);
    }

    /// Reads the requests that wait.
    public static Approvals open(ApprovalLog log, InstantSource clock) throws SQLException {
        return new Approvals(log, clock, log.pending());
    }

    /// Of a migration that has ended: nothing waits.
    public static Approvals ended(ApprovalLog log, InstantSource clock) {
        return new Approvals(log, clock, List.of());
    }

    /// What is asked for.
    ///
    /// @param kind `switchover`, `rollback`, `complete` or `abort`
    public record Asked(
            String kind,
            Set<String> forced,
            String reason,
            Optional<String> expectedPhase,
            Optional<String> renameOld,
            Optional<String> requestKey) {

        private static Asked of(Request request) {
            return new Asked(
                    request.kind(),
                    request.forced(),
                    request.reason(),
                    request.expectedPhase(),
                    request.renameOld(),
                    request.requestKey());
        }
    }

    /// A person.
    ///
    /// @param id identifies the person
    /// @param name for people
    public record Person(String id, String name) {}

    /// The requests that wait, the oldest first.
    public List<Approval> pending() {
        Instant now = clock.instant();
        return waiting.stream()
                .filter(request -> request.expiresAt().isAfter(now))
                .map(Approval::of)
                .toList();
    }

    /// Whether this person asked for a request that waits, and so cannot approve it.
    public boolean isOwn(UUID id, Person person) {
        return find(request -> request.id().equals(id))
                .filter(request -> isOf(request, person))
                .isPresent();
    }

    private static boolean isOf(Request request, Person person) {
        return request.requester().equals(person.id());
    }

    /// Begins to wait for another person. The same request that is sent again waits once.
    ///
    /// @throws RefusedException if another request of this kind waits
    public synchronized Approval ask(Asked asked, Person person, String phase) {
        // An earlier answer of the store may have been lost.
        read();
        expire(phase);
        Optional<Request> same = find(request -> request.kind().equals(asked.kind()));
        if (same.isPresent()) {
            Request request = same.get();
            if (request.requestKey().isPresent()
                    && request.requestKey().equals(asked.requestKey())
                    && isOf(request, person)) {
                return Approval.of(request);
            }
            throw new RefusedException(
                    "A %s that %s asked for waits already for an approval. Another approver runs 'millrace approve %s'; to ask again, run it with --withdraw first"
                            .formatted(request.kind(), request.who(), request.id()));
        }
        Instant now = clock.instant();
        Request request =
                new Request(
                        UUID.randomUUID(),
                        asked.kind(),
                        person.id(),
                        person.name(),
                        asked.reason(),
                        asked.forced(),
                        asked.expectedPhase(),
                        asked.renameOld(),
                        asked.requestKey(),
                        now,
                        now.plus(LIFETIME));
        store(
                () -> {
                    log.ask(
                            request,
                            note(person.name(), phase, "approval-asked", request, asked.reason()));
                    return true;
                });
        read();
        return Approval.of(request);
    }

    /// Approves a request and begins what it asks for. If that is refused, the request waits again.
    ///
    /// @param start gets the request and the persons for the journal
    /// @throws RefusedException if the request does not wait, if it has expired, or if the person
    ///   asked for it
    public synchronized <T> T approve(
            UUID id, Person person, String reason, String phase, Starter<T> start) {
        expire(phase);
        Request request = waiting(id);
        if (isOf(request, person)) {
            throw new RefusedException(
                    "%s asked for this %s. Another approver must approve it"
                            .formatted(person.name(), request.kind()));
        }
        if (!store(
                () ->
                        log.approve(
                                id,
                                person.id(),
                                clock.instant(),
                                note(person.name(), phase, "approval-given", request, reason)))) {
            read();
            throw unknown();
        }
        // Not read from the server: a failure here would lose the approval that is stored.
        waiting = waiting.stream().filter(each -> !each.id().equals(id)).toList();
        try {
            return start.start(Asked.of(request), request.who() + ", approved by " + person.name());
        } catch (RefusedException refused) {
            store(
                    () ->
                            log.settle(
                                    id,
                                    "approved",
                                    "pending",
                                    note(
                                            SERVICE,
                                            phase,
                                            "approval-unused",
                                            request,
                                            String.valueOf(refused.getMessage()))));
            read();
            throw refused;
        }
    }

    /// Ends the wait.
    ///
    /// @throws RefusedException if the request does not wait
    public synchronized Approval withdraw(UUID id, Person person, String reason, String phase) {
        expire(phase);
        Request request = waiting(id);
        boolean changed =
                store(
                        () ->
                                log.settle(
                                        id,
                                        "pending",
                                        "withdrawn",
                                        note(
                                                person.name(),
                                                phase,
                                                "approval-withdrawn",
                                                request,
                                                reason)));
        read();
        if (!changed) {
            throw unknown();
        }
        return Approval.of(request);
    }

    /// Begins what was asked for.
    @FunctionalInterface
    public interface Starter<T> {

        /// @param who both persons, for the journal
        /// @throws RefusedException if that is not possible now
        T start(Asked asked, String who);
    }

    private Request waiting(UUID id) {
        return find(request -> request.id().equals(id)).orElseThrow(Approvals::unknown);
    }

    private static RefusedException unknown() {
        return new RefusedException(
                "No request with this id waits for an approval: it was approved, withdrawn, or has expired. 'millrace status' shows those that wait");
    }

    private Optional<Request> find(Predicate<Request> is) {
        return waiting.stream().filter(is).findFirst();
    }

    /// Journals what has expired, with the next change.
    private void expire(String phase) {
        Instant now = clock.instant();
        List<Request> over =
                waiting.stream().filter(request -> !request.expiresAt().isAfter(now)).toList();
        for (Request request : over) {
            store(
                    () ->
                            log.settle(
                                    request.id(),
                                    "pending",
                                    "expired",
                                    note(SERVICE, phase, "approval-expired", request, "")));
        }
        if (!over.isEmpty()) {
            read();
        }
    }

    private static Note note(
            String who, String phase, String event, Request request, String reason) {
        return new Note(who, phase, event, request.kind() + " " + request.id(), reason);
    }

    private void read() {
        store(
                () -> {
                    waiting = List.copyOf(log.pending());
                    return true;
                });
    }

    private static boolean store(Change change) {
        try {
            return change.make();
        } catch (SQLException e) {
            throw new DatabaseFailure("The approvals cannot be read or written", e);
        }
    }

    private interface Change {
        boolean make() throws SQLException;
    }
}
