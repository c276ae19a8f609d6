/// The HTTP interface of one migration: the API, problem details, access control, health and
/// metrics. Decides nothing about a migration; [dev.millrace.migration.MigrationControl] does.
@NullMarked
package dev.millrace.http;

import org.jspecify.annotations.NullMarked;
