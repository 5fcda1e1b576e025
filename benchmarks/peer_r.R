# mrgsolve or rxode2 on injections for a year: Rscript peer_r.R mrgsolve|rxode2 FOLDER RTOL ...
#
# FOLDER holds people.csv (parameters, mean input, state at the start), doses.csv and times.csv; level<i>.csv (a row
# for each patient) and cpu<i>.csv (seconds, without compiling) are written into it for each tolerance. Its own statement of the equations; only
# for a linear clearance.
asked <- commandArgs(TRUE)
package <- asked[1]
folder <- asked[2]
rtols <- as.numeric(asked[-(1:2)])
people <- read.csv(file.path(folder, "people.csv"))
doses <- read.csv(file.path(folder, "doses.csv"))
times <- read.csv(file.path(folder, "times.csv"))$time
n <- nrow(people)

starts <- c("A" = "s0", "B" = "s1", "C" = "s2", "D" = "s3", "X1" = "s4", "X2" = "s5", "X3" = "s6", "X4" = "s7")
season <- "1 + season_amplitude * cos(2 * 3.14159265358979324 * (doy + %s - season_phase_d) / 365.25)"
formed <- "X1 * (vmax / (km + X1) + clh)"
slopes <- c(
  A = "-ka * A",
  B = "-kim * B",
  C = "-kim_slow * C",
  D = "-kc * D",
  X1 = "(ka * A + kim * B + kim_slow * C + mean_input * season - clo * X1 - formed - q * (X1 - X2)) / v1",
  X2 = "q * (X1 - X2) / v2",
  X3 = "(formed + kc * D - cl25 * X3 - q25 * (X3 - X4)) / v25",
  X4 = "q25 * (X3 - X4) / v25p"
)
share <- c(A = "f_oral", B = "f_im * im_fast", C = "f_im * (1 - im_fast)", D = "f_calcifediol")

# An injection fills both of its depots: one row of doses for each.
into <- list("0" = "A", "1" = c("B", "C"), "2" = "D")
events <- do.call(rbind, lapply(seq_len(nrow(doses)), function(i) {
  data.frame(time = doses$day[i], amt = doses$nmol[i], cmt = into[[as.character(doses$into[i])]], evid = 1)
}))

with_mrgsolve <- function() {
  suppressPackageStartupMessages(library(mrgsolve))
  names_of <- setdiff(names(people), "ID")
  code <- c(
    "$PARAM", paste0(names_of, " = 1", collapse = ", "),
    "$CMT", paste(names(slopes), collapse = " "),
    "$MAIN", paste0("F_", names(share), " = ", share, ";"), paste0(names(starts), "_0 = ", starts, ";"),
    "$ODE", paste0("double season = ", sprintf(season, "SOLVERTIME"), ";"), paste0("double formed = ", formed, ";"),
    paste0("dxdt_", names(slopes), " = ", slopes, ";")
  )
  model <- mcode("d3", paste(code, collapse = "\n"), quiet = TRUE)
  model <- update(model, maxsteps = 100000)
  events$cmt <- match(events$cmt, names(slopes))
  dosing <- as.ev(events)
  function(who, rtol) {
    found <- mrgsim_ei(update(model, rtol = rtol, atol = rtol), dosing, cbind(ID = seq_len(nrow(who)), who), tgrid = times, obsonly = TRUE,
                       output = "df", carry_out = NULL)
    matrix(found$X3, nrow = nrow(who), byrow = TRUE)
  }
}

with_rxode2 <- function() {
  suppressPackageStartupMessages(library(rxode2))
  code <- c(
    paste0("season = ", sprintf(season, "t"), ";"), paste0("formed = ", formed, ";"),
    paste0("d/dt(", names(slopes), ") = ", slopes, ";"),
    paste0("f(", names(share), ") = ", share, ";"), paste0(names(starts), "(0) = ", starts, ";")
  )
  model <- rxode2(paste(code, collapse = "\n"))
  table <- et(times)
  for (i in seq_len(nrow(events))) {
    table <- et(table, amt = events$amt[i], time = events$time[i], cmt = events$cmt[i])
  }
  function(who, rtol) {
    found <- rxSolve(model, params = who, events = table, rtol = rtol, atol = rtol, method = "liblsoda", cores = 1L,
                     maxsteps = 100000L, returnType = "data.frame")
    matrix(found$X3, nrow = nrow(who), byrow = TRUE)
  }
}

solve_all <- switch(package, mrgsolve = with_mrgsolve(), rxode2 = with_rxode2(), stop("mrgsolve or rxode2"))
invisible(solve_all(people[c(1, n), ], rtols[1]))  # warm
for (i in seq_along(rtols)) {
  started <- proc.time()
  level <- solve_all(people, rtols[i])
  spent <- proc.time() - started
  stopifnot(identical(dim(level), c(n, length(times))))
  write.table(format(level, digits = 15), file.path(folder, sprintf("level%d.csv", i - 1)), sep = ",", quote = FALSE,
              row.names = FALSE, col.names = FALSE)
  write.csv(data.frame(cpu_s = spent[["user.self"]] + spent[["sys.self"]]),
            file.path(folder, sprintf("cpu%d.csv", i - 1)), row.names = FALSE)
}
