"""What stations say of themselves: cameras lost, handshakes at odds, a bypass key that was turned."""

from lineside.serving.station_reports.schemas import ReportKind, StationReportIn, StationReportOut
from lineside.serving.station_reports.service import StationReports

__all__ = ["ReportKind", "StationReportIn", "StationReportOut", "StationReports"]
