"""Every metric that a Lineside edge node and its devices speak of: one table each, with data types.

A metric that nothing was heard of yet is null. Names are read by people in a host's tree: folders before the slash.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from lineside.serving.delivery.sparkplug.payload import DataType

_EVENT: Final = {"Event/Id": DataType.STRING, "Event/Sequence": DataType.INT64, "Event/Type": DataType.STRING}
"""Which event of the plant's log a message tells; the id is the same when it is told again."""

_PROPOSAL: Final = {
    "Proposal/Id": DataType.STRING,
    "Proposal/Kind": DataType.STRING,
    "Proposal/Reason": DataType.STRING,
    "Proposal/State": DataType.STRING,
}

NODE_METRICS: Mapping[str, DataType] = MappingProxyType(
    {
        "Properties/Software": DataType.STRING,
        "Properties/Version": DataType.STRING,
        "Properties/Plant": DataType.STRING,
        "Properties/Simulated": DataType.BOOLEAN,
        "Deployment/Serial": DataType.INT64,
        "Deployment/State": DataType.STRING,
        "Deployment/Mode": DataType.STRING,
        "Deployment/Release Name": DataType.STRING,
        "Deployment/Release Version": DataType.STRING,
        "Lot Hold/Lot": DataType.STRING,
        "Lot Hold/Active": DataType.BOOLEAN,
        "Lot Hold/Reason": DataType.STRING,
        **_PROPOSAL,
        **_EVENT,
    }
)
"""Of the node: what concerns no single station."""

DEVICE_METRICS: Mapping[str, DataType] = MappingProxyType(
    {
        "Station/Name": DataType.STRING,
        "Station/Line": DataType.STRING,
        "Station/State": DataType.STRING,
        "Station/Why": DataType.STRING,
        "Counts/OK": DataType.INT64,
        "Counts/NG": DataType.INT64,
        "Counts/NOT_INSPECTED": DataType.INT64,
        "Part/Id": DataType.STRING,
        "Part/Attempt": DataType.INT32,
        "Part/Verdict": DataType.STRING,
        "Part/Reason": DataType.STRING,
        "Part/Defects": DataType.INT32,
        "Part/Lot": DataType.STRING,
        "Part/Product": DataType.STRING,
        "Part/Inspection Id": DataType.STRING,
        "Part/Judged At": DataType.DATETIME,
        "Part/Simulated": DataType.BOOLEAN,
        "Recipe/Id": DataType.STRING,
        "Recipe/Version": DataType.INT32,
        "Release/Name": DataType.STRING,
        "Release/Version": DataType.STRING,
        "Order/Id": DataType.STRING,
        "Order/State": DataType.STRING,
        "Order/Product": DataType.STRING,
        "Order/Lot": DataType.STRING,
        "Order/Quantity": DataType.INT64,
        "Rate/Window Start": DataType.DATETIME,
        "Rate/Window End": DataType.DATETIME,
        "Rate/Product": DataType.STRING,
        "Rate/Inspected": DataType.INT64,
        "Rate/Defect Rate": DataType.DOUBLE,
        "Rate/Defect Rate Lower": DataType.DOUBLE,
        "Rate/Defect Rate Upper": DataType.DOUBLE,
        "Rate/Confidence": DataType.DOUBLE,
        "Rate/Detector Rate": DataType.DOUBLE,
        "Rate/Detector Rate Lower": DataType.DOUBLE,
        "Rate/Detector Rate Upper": DataType.DOUBLE,
        "Chart/In Control": DataType.BOOLEAN,
        "Chart/Message": DataType.STRING,
        "Chart/Point End": DataType.DATETIME,
        "Hold/Active": DataType.BOOLEAN,
        "Hold/Reason": DataType.STRING,
        "Hold/By": DataType.STRING,
        "Image Alarm/Active": DataType.BOOLEAN,
        "Image Alarm/Message": DataType.STRING,
        "Drift Alarm/Active": DataType.BOOLEAN,
        "Drift Alarm/Message": DataType.STRING,
        "Disposition/Kind": DataType.STRING,
        "Disposition/Inspection Id": DataType.STRING,
        "Disposition/Confirmed By Sensor": DataType.BOOLEAN,
        "Review/Kind": DataType.STRING,
        "Review/Standing": DataType.STRING,
        "Review/Inspection Id": DataType.STRING,
        "Job/Id": DataType.STRING,
        "Job/State": DataType.STRING,
        "Job/Part Id": DataType.STRING,
        **_PROPOSAL,
        **_EVENT,
    }
)
"""Of each device: a station. The defect rate is null where no audit tells of escapes; the detector's share is no rate.

`Chart/In Control` is false from a chart signal until a window of rates that began after the signal's point is closed.
"""
