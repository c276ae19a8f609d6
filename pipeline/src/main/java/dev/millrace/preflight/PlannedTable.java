package dev.millrace.preflight;

import dev.millrace.select.Mapping;
import dev.millrace.select.Relation;

/// One target table, ready to be migrated: its compiled mapping and both tables as their catalogs
/// describe them.
///
/// @param fullIdentity the source table has REPLICA IDENTITY FULL
public record PlannedTable(
        Mapping mapping, Relation source, Relation target, boolean fullIdentity) {}
