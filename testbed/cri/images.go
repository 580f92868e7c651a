package cri

import (
	"context"
	"fmt"
	"strings"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// nonroot is the user of images with the tag of the same name.
const nonroot = 65532

// imageUser is the user that an image says its program runs as.
func imageUser(image string) int64 {
	if strings.HasSuffix(image, ":nonroot") {
		return nonroot
	}
	return 0
}

// imageUsers is what an image adds to the machine's /etc/passwd: without it the user's group were root.
func imageUsers(image string) string {
	if imageUser(image) == nonroot {
		return fmt.Sprintf("\nnonroot:x:%d:%d:nonroot:/:/sbin/nologin\n", nonroot, nonroot)
	}
	return ""
}

// image describes an image. Every name is one, and all have the same content: the machine's own root.
func image(name string) *runtimeapi.Image {
	return &runtimeapi.Image{
		Id: name, RepoTags: []string{name}, Spec: &runtimeapi.ImageSpec{Image: name},
		Uid:  &runtimeapi.Int64Value{Value: imageUser(name)},
		Size: 1, // the kubelet takes 0 for "unknown"
	}
}

// ImageStatus implements the image service.
func (s *service) ImageStatus(_ context.Context, r *runtimeapi.ImageStatusRequest) (*runtimeapi.ImageStatusResponse, error) {
	return &runtimeapi.ImageStatusResponse{Image: image(r.GetImage().GetImage())}, nil
}

// PullImage implements the image service.
func (s *service) PullImage(_ context.Context, r *runtimeapi.PullImageRequest) (*runtimeapi.PullImageResponse, error) {
	return &runtimeapi.PullImageResponse{ImageRef: r.GetImage().GetImage()}, nil
}

// ListImages implements the image service: those in use.
func (s *service) ListImages(_ context.Context, r *runtimeapi.ListImagesRequest) (*runtimeapi.ListImagesResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := &runtimeapi.ListImagesResponse{}
	wanted := r.GetFilter().GetImage().GetImage()
	listed := map[string]bool{}
	for _, c := range s.containers {
		name := c.config.GetImage().GetImage()
		if !listed[name] && (wanted == "" || wanted == name) {
			listed[name] = true
			answer.Images = append(answer.Images, image(name))
		}
	}
	return answer, nil
}

// RemoveImage implements the image service. There is nothing to remove.
func (s *service) RemoveImage(context.Context, *runtimeapi.RemoveImageRequest) (*runtimeapi.RemoveImageResponse, error) {
	return &runtimeapi.RemoveImageResponse{}, nil
}

// ImageFsInfo implements the image service. Images take no room.
func (s *service) ImageFsInfo(context.Context, *runtimeapi.ImageFsInfoRequest) (*runtimeapi.ImageFsInfoResponse, error) {
	usage := []*runtimeapi.FilesystemUsage{{
		FsId:       &runtimeapi.FilesystemIdentifier{Mountpoint: s.Dir},
		UsedBytes:  &runtimeapi.UInt64Value{},
		InodesUsed: &runtimeapi.UInt64Value{},
	}}
	return &runtimeapi.ImageFsInfoResponse{ImageFilesystems: usage, ContainerFilesystems: usage}, nil
}
