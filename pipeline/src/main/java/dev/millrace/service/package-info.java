/// Serves one migration over HTTP, with health probes and metrics, and ties its life to the
/// process's: started behind the listening port, drained before the port is closed. The only room
/// that sees Spring. It decides nothing about a migration; that is
/// [dev.millrace.migration.MigrationControl]'s.
@NullMarked
package dev.millrace.service;

import org.jspecify.annotations.NullMarked;
