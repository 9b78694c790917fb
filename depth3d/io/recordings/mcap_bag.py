"""ROS 2 bags (.mcap): the photo as Image, its depth as Image, the camera as CameraInfo, the points as PointCloud2.

Topics: /camera/image (rgb8), /camera/depth (32FC1, metres, NaN where unknown), /camera/camera_info and /points, all in
the frame camera_optical_frame at time 0: x right, y down, z forward (REP 103).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.errors import MissingExtraError
from depth3d.core.point_map import unproject
from depth3d.core.recording import Recording
from depth3d.core.rgbd import RGBD

FRAME = "camera_optical_frame"
_POINT = np.dtype([("xyz", "<f4", 3), ("bgra", "u1", 4)])
_FLOAT32 = 7  # of sensor_msgs/PointField


def write(recording: Recording, file: BinaryIO, *, notes: Mapping[str, str]) -> None:
    """Write a bag that `ros2 bag play` and Foxglove open; how it was obtained is its metadata record "depth3d".

    Args:
        recording: what goes in; hints have no message of their own.
        file: where it goes.
        notes: how it was obtained.

    Raises:
        MissingExtraError: mcap or rosbags is not installed.
    """
    writer_module, types = _import_ros()
    bag = writer_module.Writer(file)
    bag.start(profile="ros2", library="depth3d")
    rgbd = recording.rgbd
    messages = {
        "/camera/camera_info": _camera_info(types, rgbd.camera),
        "/camera/image": _image(types, np.ascontiguousarray(rgbd.rgb), "rgb8"),
        "/camera/depth": _image(types, np.ascontiguousarray(rgbd.depth.z, "<f4"), "32FC1"),
        "/points": _cloud(types, rgbd),
    }
    for topic, message in messages.items():
        name = message.__msgtype__
        definition, _ = types.generate_msgdef(name, ros_version=2)
        schema = bag.register_schema(name, "ros2msg", definition.encode())
        channel = bag.register_channel(topic, "cdr", schema, {"offered_qos_profiles": ""})
        bag.add_message(channel, 0, bytes(types.serialize_cdr(message, name)), 0)
    bag.add_metadata("depth3d", dict(notes))
    bag.finish()


def _import_ros() -> tuple[Any, Any]:
    """The writer of MCAP files, and ROS 2's types."""
    try:
        import mcap.writer
    except ImportError:
        raise MissingExtraError("a ROS 2 bag", "mcap", "ros") from None
    try:
        from rosbags.typesys import Stores, get_typestore
    except ImportError:
        raise MissingExtraError("a ROS 2 bag", "rosbags", "ros") from None
    return mcap.writer, get_typestore(Stores.ROS2_HUMBLE)


def _header(types: Any) -> Any:
    stamp = types.types["builtin_interfaces/msg/Time"](sec=0, nanosec=0)
    return types.types["std_msgs/msg/Header"](stamp=stamp, frame_id=FRAME)


def _image(types: Any, pixels: NDArray[Any], encoding: str) -> Any:
    height, width = pixels.shape[:2]
    return types.types["sensor_msgs/msg/Image"](
        header=_header(types),
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=0,
        step=pixels.strides[0],
        data=pixels.reshape(-1).view(np.uint8),
    )


def _camera_info(types: Any, camera: Intrinsics) -> Any:
    """ROS counts pixel centres at integers, so that the principal point loses 0.5."""
    cx, cy = camera.cx - 0.5, camera.cy - 0.5
    matrix = np.array([camera.fx, 0, cx, 0, camera.fy, cy, 0, 0, 1])
    projection = np.insert(matrix, [3, 6, 9], 0.0)
    region = types.types["sensor_msgs/msg/RegionOfInterest"](
        x_offset=0, y_offset=0, height=0, width=0, do_rectify=False
    )
    return types.types["sensor_msgs/msg/CameraInfo"](
        header=_header(types),
        height=camera.height,
        width=camera.width,
        distortion_model="plumb_bob",
        d=np.zeros(5),
        k=matrix,
        r=np.eye(3).reshape(-1),
        p=projection,
        binning_x=0,
        binning_y=0,
        roi=region,
    )


def _cloud(types: Any, rgbd: RGBD) -> Any:
    """The known points with the colour as RViz reads it: a float32 field `rgb` whose bytes are blue, green, red."""
    known = np.isfinite(rgbd.depth.z)
    points = np.zeros(int(known.sum()), _POINT)
    points["xyz"] = unproject(rgbd.depth, rgbd.camera).xyz[known]
    points["bgra"][:, :3] = rgbd.rgb[known][:, ::-1]
    field = types.types["sensor_msgs/msg/PointField"]
    fields = [
        field(name=name, offset=4 * number, datatype=_FLOAT32, count=1)
        for number, name in enumerate(("x", "y", "z", "rgb"))
    ]
    return types.types["sensor_msgs/msg/PointCloud2"](
        header=_header(types),
        height=1,
        width=len(points),
        fields=fields,
        is_bigendian=False,
        point_step=_POINT.itemsize,
        row_step=points.nbytes,
        data=points.view(np.uint8),
        is_dense=True,
    )
