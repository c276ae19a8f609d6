package dev.millrace.spec.reconcile;

/// When the service compares both sides by itself. It does not change what the target's rows mean,
/// so it is not part of `SpecHash`: it can be edited between two starts of one migration, and
/// verdicts stay valid. Immutable.
///
/// @param schedule when all rows of all tables are compared
public record ReconcileSetting(Schedule schedule) {

    /// The values of an absent `reconcile`.
    public static final ReconcileSetting DEFAULT = new ReconcileSetting(Schedule.NEVER);
}
